// Builds the ES modules: one file an entry point, and what they share in files of its own, so that
// nothing is there twice and an import reads a few files, where the sources are hundreds.
import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'

const { bin, exports } = JSON.parse(
  await readFile(new URL('package.json', import.meta.url), 'utf8'),
)
const modules = Object.values(exports).flatMap(({ import: module }) => module ?? [])

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: [...modules, ...Object.values(bin)].map((file) =>
    file.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts'),
  ),
  outdir: 'dist',
  outbase: '.',
  chunkNames: 'shared/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  // No defaults of the editor's: `paths` would have the package import itself.
  tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
  logLevel: 'warning',
})
