import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAtExit } from '../test/support/processes.ts'
import { root } from '../test/support/source-files.ts'

/**
 * Compiles the servers, and the package they import, as a release is: tsx keeps the names of
 * functions with a call for each closure, which our code would pay at every request and no peer.
 * Gives the folder; it goes when this process does.
 */
export function compileServers(): string {
  const folder = mkdtempSync(join(tmpdir(), 'memoryware-bench-'))
  endAtExit(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const project = join(root, 'bench/tsconfig.json')
  execFileSync(process.execPath, [compiler, '-p', project, '--outDir', folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return folder
}
