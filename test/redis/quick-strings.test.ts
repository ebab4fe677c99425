import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { root } from '../support/source-files.ts'

/** Whether V8 keeps the methods of strings where it can inline them, once a module is loaded. */
function isQuick(specifier: string): boolean {
  const program = `await import(${JSON.stringify(specifier)})
    console.log(%HasFastProperties(String.prototype))
    process.exit()`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--allow-natives-syntax', '--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: root, encoding: 'utf8' },
  )
  assert.match(stdout, /^(true|false)$/m, stderr)
  return stdout.includes('true')
}

describe('methods of strings', () => {
  it('are slow once the driver is loaded by itself', () => assert.equal(isQuick('ioredis'), false))

  it('are quick again where this package has loaded it', () =>
    assert.equal(isQuick('./lib/index.ts'), true))
})
