// The package as its users have it, packed and installed: node --import tsx .ci/consumers.mts [FILE]
import { writeFile } from 'node:fs/promises'
import { checkDoctor } from './consumers/doctor.mts'
import { checkEntries } from './consumers/entries.mts'
import { about, check, totals } from './consumers/facts.mts'
import { checkPrograms } from './consumers/programs.mts'
import { installProject, type Project, readManifest } from './consumers/project.mts'
import { writeSources } from './consumers/sources.mts'
import { checkTypes } from './consumers/types.mts'

// A signal ends Node without its exit event, and with that without the end of what was started.
process.once('SIGTERM', () => process.exit(143))

const manifest = await readManifest()
let project: Project | undefined
about('Install')
await check('npm installs the package beside frameworks, compilers and Nodes', async () => {
  project = await installProject(manifest)
})
if (project) {
  await writeSources(project.folder)
  await checkTypes(project, manifest)
  await checkEntries(project, manifest)
  await checkPrograms(project)
  await checkDoctor(project)
}

const { passed, failed } = totals()
const [, , file] = process.argv
if (file) await writeFile(file, `${passed} ${failed} 0\n`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
