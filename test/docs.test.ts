import assert from 'node:assert/strict'
import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import {
  API,
  type Checker,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Type,
  type Symbol as TypeScriptSymbol,
} from 'typescript/unstable/sync'
import { type Consumer, packedConsumer } from './support/consumer.ts'
import { root } from './support/source-files.ts'

const entries = [
  'adapters/ai-sdk',
  'adapters/langchain',
  'adapters/openai-agents',
  'adapters/rate-limiter-flexible',
  'lib/doctor',
  'lib/index',
  'lib/msgpack',
  'middleware/express',
  'middleware/express-session',
  'middleware/koa',
  'middleware/koa-session',
  'contract/store-contract',
]

describe('the documentation of what is published', () => {
  let consumer: Consumer
  let compiler: API | undefined
  let project: Project
  before(async function () {
    this.timeout(120_000)
    consumer = await packedConsumer()
    compiler = new API({ cwd: consumer.folder })
    project = await open(compiler, consumer)
  })
  after(() => compiler?.close())

  for (const entry of entries) {
    it(`says of every export of ${entry} what it is`, () => {
      const bare = exportsOf(project, consumer, entry)
        .filter((symbol) => documentation(symbol, project.checker) === '')
        .map(({ name }) => name)
      assert.deepEqual(bare, [])
    })

    it(`says of every option and method that ${entry} offers what it means`, () => {
      const bare = exportsOf(project, consumer, entry)
        .flatMap((symbol) => membersOf(symbol, project.checker))
        .filter(([, member]) => documentation(member, project.checker) === '')
        .map(([owner, { name }]) => `${owner}.${name}`)
      assert.deepEqual(bare, [])
    })
  }
})

describe('the documents', () => {
  it('link to files that are there', async () => {
    const names = await readdir(root)
    const decisions = (await readdir(join(root, 'decisions'))).map((name) => `decisions/${name}`)
    const broken: string[] = []
    for (const name of [...names, ...decisions].filter((each) => each.endsWith('.md'))) {
      const text = await readFile(join(root, name), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)) {
        const there = await access(join(root, dirname(name), target)).then(
          () => true,
          () => false,
        )
        if (!there) broken.push(`${name}: ${target}`)
      }
    }
    assert.deepEqual(broken, [])
  })
})

async function open(compiler: API, consumer: Consumer): Promise<Project> {
  const config = join(consumer.folder, 'tsconfig.json')
  const settings = {
    compilerOptions: { module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true },
    files: entries.map((entry) => declarations(consumer, entry)),
  }
  await writeFile(config, JSON.stringify(settings))
  const project = compiler.updateSnapshot({ openProjects: [config] }).getProject(config)
  if (project === undefined) throw new Error('The project does not open')
  return project
}

function declarations(consumer: Consumer, entry: string): string {
  return join(consumer.installed, 'dist', `${entry}.d.ts`)
}

/** What an entry point exports, each where it is declared. */
function exportsOf(project: Project, consumer: Consumer, entry: string): TypeScriptSymbol[] {
  const { checker, program } = project
  const file = program.getSourceFile(declarations(consumer, entry))
  const module = file && checker.getSymbolAtLocation(file)
  if (module === undefined) throw new Error(`${entry} is not a module`)
  const found = checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
  if (found.length === 0) throw new Error(`${entry} exports nothing`)
  return found
}

type Member = [owner: string, member: TypeScriptSymbol]

/** Members with a sense of their own: those of options and of what handlers are given. */
function membersOf(symbol: TypeScriptSymbol, checker: Checker): Member[] {
  if (symbol.flags & SymbolFlags.Function) return optionsOf(symbol, checker)
  if (!/(Options|Store|Memory|State|Control)$/.test(symbol.name)) return []
  return propertiesOf(symbol.name, checker.getDeclaredTypeOfSymbol(symbol), checker)
}

/** What can be given to a function as its options. */
function optionsOf(symbol: TypeScriptSymbol, checker: Checker): Member[] {
  const type = checker.getTypeOfSymbol(symbol)
  const signatures = type ? checker.getSignaturesOfType(type, SignatureKind.Call) : []
  return signatures
    .flatMap((signature) => signature.getParameters())
    .filter(({ name }) => name === 'options')
    .flatMap((parameter) => {
      const taken = checker.getTypeOfSymbol(parameter)
      const given = taken && checker.getNonNullableType(taken)
      return given ? propertiesOf(symbol.name, given, checker) : []
    })
}

function propertiesOf(owner: string, type: Type, checker: Checker): Member[] {
  return checker.getPropertiesOfType(type).map((member) => [owner, member])
}

function documentation(symbol: TypeScriptSymbol, checker: Checker): string {
  return symbol.getDocumentationComment(checker).trim()
}
