// Completes the declarations: leaves those that an entry point leads to, and gives the CommonJS
// build the same, for a declaration is of one kind of module as its folder is.
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises'

const built = new URL('dist/', import.meta.url)
const { exports } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'))
const needed = new Set()
for (const { import: module } of Object.values(exports))
  if (module !== undefined)
    await addAll(new URL(module.replace(/\.js$/, '.d.ts'), new URL('../', built)))

const names = await readdir(built, { recursive: true })
for (const name of names.filter((each) => each.endsWith('.d.ts'))) {
  const file = new URL(name.replaceAll('\\', '/'), built)
  if (needed.has(file.href)) await copy(file)
  else await rm(file)
}

/** A declaration, and all that it names. */
async function addAll(file) {
  if (needed.has(file.href)) return
  needed.add(file.href)
  const text = await readFile(file, 'utf8')
  for (const [, path] of text.matchAll(/(?:from|import|import\()\s*['"](\.[^'"]*)\.ts['"]/g))
    await addAll(new URL(`${path}.d.ts`, file))
}

async function copy(file) {
  const to = new URL(file.href.replace(built.href, `${built.href}cjs/`))
  await mkdir(new URL('./', to), { recursive: true })
  await cp(file, to)
}
