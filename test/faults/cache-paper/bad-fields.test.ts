import assert from 'node:assert/strict'
import { post } from '../../cache/pairs.ts'
import { closeSites, frameworks, type Run, type Sent } from '../../cache/site.ts'
import { type PaperOptions, saying, serve } from './paper-site.ts'

const at: Sent = { headers: { host: 'x.test' } }

const controls = [
  'max-age',
  'max-age=',
  'max-age=-1',
  'max-age=1e3',
  `max-age=${'9'.repeat(400)}`,
  'max-age="60',
  '"',
  ',,,;;;===',
  'max-age=60; public',
  'private=',
  'stale-while-revalidate=x, stale-if-error="',
  'no-cache="',
  `x="${'a\\"'.repeat(1000)}`,
  ' ,max-age=60\t,',
  `${'x,'.repeat(2000)}max-age=60`,
]

const varies = [
  '',
  ',',
  'a b',
  '"',
  ', ,*',
  'x'.repeat(4000),
  'a,'.repeat(500),
  '__proto__',
  '\u00e9',
]

const dates = ['', '0', '-1', 'yesterday', 'Thu, 32 Jan 2026 25:61:61 GMT', '9'.repeat(300)]

const fields: readonly (readonly [name: string, value: string])[] = [
  ...controls.map((value) => ['Cache-Control', value] as const),
  ...controls.map((value) => ['CDN-Cache-Control', value] as const),
  ...varies.map((value) => ['Vary', value] as const),
  ...['Expires', 'Date', 'Last-Modified'].flatMap((name) =>
    dates.map((value) => [name, value] as const),
  ),
  ...['', '"', '1', 'W/', '"a"b"', 'x'.repeat(4000)].map((value) => ['ETag', value] as const),
  ...['', '-1', 'x', '1, 2', '9'.repeat(99)].map((value) => ['Age', value] as const),
  ...['"', '"a', 'a', '(', '"a";x='].map((value) => ['Cache-Groups', value] as const),
]

const conditions: readonly (readonly [name: string, value: string])[] = [
  ...controls.map((value) => ['cache-control', value] as const),
  ...['', '"', ',', 'W/"', '*, "1"', '"a'.repeat(900)].map(
    (value) => ['if-none-match', value] as const,
  ),
  ...dates.map((value) => ['if-modified-since', value] as const),
  ...['bytes', 'bytes=', 'bytes=9-1', 'bytes=-', `bytes=${'0-0,'.repeat(900)}`].map(
    (value) => ['range', value] as const,
  ),
  ...['"', ...dates].map((value) => ['if-range', value] as const),
  ...['', 'x'.repeat(4000), '\u00ff'].map((value) => ['last-event-id', value] as const),
]

for (const framework of frameworks) {
  describe(`bad fields and large bodies on ${framework}`, () => {
    afterEach(closeSites)

    const open = (handle: (run: Run) => unknown, more: PaperOptions = {}) =>
      serve(framework, { cache: { ttl: 60, ...more }, handle })

    it('are answered, whatever stands in the fields of a response', async () => {
      const site = await open((run) => {
        const [name, value] = fields[Number(run.url.slice(1))] ?? ['x', 'x']
        saying({ [name]: value })(run)
      })
      for (const number of fields.keys())
        for (let asked = 0; asked < 2; asked += 1) {
          const { status, body } = await site.get(`/${number}`, at)
          assert.equal(status, 200, String(fields[number]))
          assert.match(body, /^run \d+$/, String(fields[number]))
        }
    })

    it('are answered, whatever stands in the fields of a request', async () => {
      const site = await open(saying({ ETag: '"1"' }))
      for (const [name, value] of conditions)
        for (const path of ['/same', `/${name}`]) {
          const { status } = await site.get(path, { headers: { ...at.headers, [name]: value } })
          assert.ok([200, 206, 304, 416].includes(status), `${status} ${name}: ${value}`)
        }
      assert.equal((await site.get('/same', at)).status, 200)
    })

    it('do not hinder a body of 10 MB from passing, either way', async () => {
      const large = 'x'.repeat(10_000_000)
      const methods = ['GET', 'POST'] as const
      const site = await open(async (run) => run.send(200, (await run.text()) || large), {
        methods,
      })
      const sent = post(large, 'text/plain')
      for (let asked = 0; asked < 2; asked += 1) {
        assert.equal((await site.get('/a', at)).body.length, large.length)
        assert.equal((await site.get('/a', sent)).body.length, large.length)
      }
      assert.equal(site.runs, 4)
    })
  })
}
