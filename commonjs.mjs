// Builds the CommonJS side from the ES modules, file by file, so that it too has its state once. It
// gets a tokenx of its own, which is published as an ES module only: Node requires those, Jest does not.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

const built = new URL('dist/cjs/', import.meta.url)
const manifest = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'))
const entries = Object.values(manifest.exports).flatMap(({ import: module }) => module ?? [])

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: [...entries, 'dist/shared/*.js'],
  outdir: 'dist/cjs',
  outbase: 'dist',
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // It becomes `require`: Jest has no `import()`.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
})

const tokenx = new URL(import.meta.resolve('tokenx'))
const source = await readFile(tokenx, 'utf8')
const converted = source.replace(/^export (\{[\w\s,]+\});?$/m, 'module.exports = $1')
if (converted === source || /^(import|export)\b/m.test(converted))
  throw new Error('tokenx is no longer one module with one list of exports: convert it another way')
const licence = await readFile(new URL('../LICENSE', tokenx), 'utf8')

await writeFile(new URL('package.json', built), JSON.stringify({ type: 'commonjs' }))
await writeFile(
  new URL('tokenx.js', built),
  `'use strict'\n/*! tokenx\n\n${licence}*/\n${converted}`,
)
for (const name of await readdir(built, { recursive: true })) {
  if (!name.endsWith('.js')) continue
  const file = new URL(name.replaceAll('\\', '/'), built)
  const code = await readFile(file, 'utf8')
  const path = '../'.repeat(name.split(/[\\/]/).length - 1) || './'
  const linked = code.replaceAll('require("tokenx")', `require("${path}tokenx.js")`)
  if (linked !== code) await writeFile(file, linked)
}
