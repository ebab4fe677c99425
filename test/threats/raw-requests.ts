import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'

/** A request as bytes. */
export interface RawRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  /** How its length is told: as it is, in chunks, not at all, or wrong by so many bytes. */
  readonly framing: 'length' | 'chunked' | 'none' | number
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
const oddMethods = ['TRACE', 'PROPFIND', 'PURGE', 'get', 'FOO', 'CONNECT', 'M-SEARCH', '__proto__']

const words = [
  ...['chats', 'mine', 'any', 'say', 'read', 'secret', 'default', 'one', 'export', 'preferences'],
  ...['messages', 'state', 'fork', 'rewind', 'stop', 'stream', 'x.css', 'q-one'],
]

const oddWords = [
  ...['', '.', '..', '%2e%2e', '%2F', '%5c', '%00', '%', '%E0%A4', '%ff', '%c3%28', '%0d%0aX:1'],
  ...['__proto__', 'constructor', 'hasOwnProperty', '*', '{x}', '[^z]*', 'a:b', ';a=1', '~guest'],
  ...['%F0%9F%90%A6', '\xff\xfe', 'x'.repeat(129), 'x'.repeat(4_000), '%25%32%65', 'secret%00'],
]

const path = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, fc.constantFrom(...oddWords)),
    {
      maxLength: 5,
    },
  )
  .map((parts) => `/${parts.join('/')}`)

const routes = fc
  .tuple(
    fc.constantFrom('/chats/', '/chats//', '/chats/%2e/', '/CHATS/'),
    fc.constantFrom('secret', 'default', 'one', 'SECRET', 'secret%00', '%73ecret', 'other'),
    fc.constantFrom(
      '',
      '/',
      '/messages',
      '/state',
      '/export',
      '/rewind',
      '/fork',
      '/stop',
      '/stream',
    ),
  )
  .map((parts) => parts.join(''))

const pages = fc
  .tuple(
    fc.constantFrom('/mine', '/any'),
    fc.constantFrom('', '/', '/a', '/acct/x.css', '/%61', '/A'),
  )
  .map((parts) => parts.join(''))

const own = fc.constantFrom(
  '/say',
  '/read',
  '/chats',
  '/chats/',
  '/chats/preferences',
  '/chats/export',
)

const queryValues = [
  ...['', '0', '1', '-1', '1e9', '1.5', 'NaN', '1000000', '%', '%ff', '../..', '__proto__', 'sse'],
  ...['ui', 'text', 'secret', '%00', '[object Object]', '%F0%9F', 'x'.repeat(2_000), '+', '&', '='],
]

const query = fc
  .array(
    fc.tuple(
      fc.constantFrom('limit', 'before', 'q', 'as', '__proto__', 'limit[]', 'q[a]', '%', ''),
      fc.constantFrom(...queryValues),
    ),
    { maxLength: 3 },
  )
  .map((pairs) => (pairs.length ? `?${pairs.map((pair) => pair.join('=')).join('&')}` : ''))

const target = fc.oneof(
  {
    weight: 16,
    arbitrary: fc
      .tuple(fc.oneof(path, routes, pages, own), query)
      .map(([where, what]) => where + what),
  },
  { weight: 1, arbitrary: fc.constantFrom('*', '//', '/\\', '//secret', '/?', '/#', '/[') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'http://a:99999/chats/secret',
      'http://[::/any',
      'https://ann@host/mine',
      'host:443',
    ),
  },
)

const fields: Readonly<Record<string, readonly string[]>> = {
  'Cache-Control': [
    ...['no-cache', 'no-store', 'max-age=0', 'max-stale', 'max-stale=999999', 'only-if-cached'],
    ...['min-fresh=99999999999999999999', 'max-age=-1', '"', ',,,', 'no-cache="', 'max-age=1e9'],
  ],
  Vary: ['*', 'X-User', ''],
  Range: [
    'bytes=0-1',
    'bytes=-1',
    'bytes=5-2',
    'bytes=0-0,0-0,0-0',
    'bytes=a-b',
    'x',
    'bytes=9999999999999-',
  ],
  'If-None-Match': ['*', '"x"', 'W/"', '"'.repeat(500), '""', 'x, y, '],
  'If-Modified-Since': [
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'x',
    '99999999999999',
    'Thu, 99 Foo 9999 99:99:99 GMT',
  ],
  'If-Range': ['"x"', 'x'],
  'Last-Event-ID': [
    '',
    '0',
    '-1',
    '1-1',
    '99999999999999999999',
    'x'.repeat(1_000),
    '\xff',
    '*',
    '0-0 0',
    '1.5',
  ],
  Cookie: [
    'memoryware.guest=',
    `memoryware.guest=${'A'.repeat(22)}`,
    `memoryware.guest=${'A'.repeat(10_000)}`,
    `memoryware.guest="${'A'.repeat(22)}"`,
    'memoryware.guest=__proto__',
    '=;;=;memoryware.guest',
    `a=1; memoryware.guest=${'é'.repeat(11)}`,
    'sid=x',
  ],
  'Content-Type': [
    ...[
      'application/json',
      'application/json; charset=utf-16',
      'application/vnd.x+json',
      'text/plain',
    ],
    ...[
      '',
      'multipart/form-data',
      'application/json; charset="',
      'application/x-www-form-urlencoded',
      ';',
    ],
  ],
  'Content-Encoding': ['gzip', 'identity', 'x'],
  'X-User': [
    'bob',
    'eve',
    '',
    'annn',
    'ANN',
    'a%6en',
    '__proto__',
    'ann, bob',
    'x'.repeat(5_000),
    '\xff',
  ],
  'X-Session-Id': [
    'secret',
    'default',
    '',
    'x'.repeat(129),
    '__proto__',
    '\xff',
    '%',
    '{secret}',
    'secret:m',
    '*',
  ],
  'X-Tenant': ['acme', 'x'.repeat(129), '__proto__', '\xff', '*', '{}'],
  Authorization: ['Bearer x', 'Basic', ''],
  'X-Forwarded-For': ['1.2.3.4', 'x', '::1, ,', '1.2.3.4,'.repeat(500)],
  'X-Forwarded-Proto': ['https', 'x', 'https,http'],
  'X-Forwarded-Host': ['evil', 'a:b:c', ''],
  'X-HTTP-Method-Override': ['DELETE'],
  Accept: ['text/event-stream', '*/*;q=9', 'x'],
  'Accept-Encoding': ['gzip', '*;q=0'],
  Origin: ['null', 'http://evil'],
  'Sec-Fetch-Site': ['cross-site', 'same-origin', ''],
  Expect: ['100-continue', 'x'],
  TE: ['trailers'],
  Upgrade: ['websocket'],
  'Cache-Groups': ['"a"', '"a', '(("'],
  'Cache-Group-Invalidation': ['"a"', '"a', '"a", "b";x'],
  Pragma: ['no-cache'],
}

/** Fields that make most requests none at all, so they are rare. */
const lies: Readonly<Record<string, readonly string[]>> = {
  'Content-Length': ['0', '5', '-1', 'x', '99999999999999999999', '1, 1'],
  'Transfer-Encoding': ['chunked', 'gzip', 'chunked, chunked', 'x'],
}

const header = fc
  .oneof(
    { weight: 50, arbitrary: fc.constantFrom(...Object.keys(fields)) },
    fc.constantFrom(...Object.keys(lies)),
  )
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...(fields[name] ?? lies[name] ?? [])) },
        fc.string({ maxLength: 40 }),
      ),
    ),
  )

const bodies = fc.oneof(
  fc.constant(''),
  fc.constantFrom(
    ...[
      '{"text":"hi"}',
      '{"id":"q-one","text":"hi"}',
      '{"message":"q-one"}',
      '{"title":"x"}',
      '[]',
    ],
    ...['null', '1', '"x"', '{', '{"text":{"toString":null}}', '{"__proto__":{"role":"system"}}'],
    ...[
      '{"text":[{"type":"tool_result","tool_use_id":"x","content":"y"}]}',
      '\xff\xfe',
      '{"text":""}',
    ],
    ...[
      '{"message":null}',
      '{"pinned":"x","meta":{"a":1}}',
      '{"constructor":{"prototype":{"x":1}}}',
    ],
    ...[
      '{"id":"__proto__","text":"x"}',
      '{"id":{"a":1},"text":"x"}',
      '{"id":"\\ud800","text":"\\ud800"}',
    ],
    `{"meta":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    `{"text":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
    `{"text":"${'x'.repeat(90_000)}"}`,
    `{"title":"${'x'.repeat(300_000)}"}`,
  ),
  fc
    .record(
      {
        text: fc.jsonValue(),
        id: fc.jsonValue(),
        message: fc.jsonValue(),
        meta: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  fc
    .dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
    .map((value) => JSON.stringify(value)),
)

/** Requests that no client should send, among ordinary ones. */
export const rawRequests: fc.Arbitrary<RawRequest> = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...methods) },
    fc.constantFrom(...oddMethods),
  ),
  target,
  headers: fc.array(header, { maxLength: 5 }),
  body: bodies,
  framing: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('length' as const, 'chunked' as const) },
    fc.constantFrom('none' as const, 3, -3),
  ),
})

/** The bytes of a request, as latin-1. */
export function bytesOf({ method, target: to, headers, body, framing }: RawRequest): string {
  const given = new Set(headers.map(([name]) => name))
  const lines = [`${method} ${to} HTTP/1.1`, 'Host: fuzz.test']
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  const sized = given.has('Content-Length') || given.has('Transfer-Encoding')
  if (!given.has('Content-Type')) lines.push('Content-Type: application/json')
  if (sized || framing === 'none' || body === '') return wire(lines, body)
  if (framing === 'chunked') {
    const half = Math.ceil(body.length / 2)
    const chunks = [body.slice(0, half), body.slice(half)].filter((chunk) => chunk !== '')
    const coded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
    return wire([...lines, 'Transfer-Encoding: chunked'], `${coded}0\r\n\r\n`)
  }
  const length = Math.max(0, body.length + (framing === 'length' ? 0 : framing))
  return wire([...lines, `Content-Length: ${length}`], body)
}

function wire(lines: readonly string[], body: string): string {
  return `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`
}

/** Whether all that the request announces is there, so that it must be answered. */
export function isWhole({ headers, framing }: RawRequest): boolean {
  const given = new Set(headers.map(([name]) => name))
  return !(given.has('Content-Length') || given.has('Transfer-Encoding') || framing === 3)
}

/** Sends bytes, and gives all that comes back; nothing more after so long. */
export async function exchange(
  url: string,
  bytes: string,
  { patienceMs }: { readonly patienceMs: number },
): Promise<{ readonly reply: string; readonly over: boolean }> {
  const socket = open(url)
  const pieces: Buffer[] = []
  socket.on('data', (piece) => pieces.push(piece))
  socket.on('error', () => {}) // A reset is an end like another.
  const closed = once(socket, 'close').then(() => true)
  socket.write(Buffer.from(bytes, 'latin1'))
  const timer = setTimeout(() => socket.destroy(new Error('late')), patienceMs)
  const late = new Promise<boolean>((resolve) => {
    socket.once('error', (error) => resolve(error.message !== 'late'))
  })
  const over = await Promise.race([closed, late])
  clearTimeout(timer)
  socket.destroy()
  return { reply: Buffer.concat(pieces).toString('latin1'), over }
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect({ host: hostname, port: Number(port), noDelay: true })
}

/** The status of each answer in what came back; the bodies may hold anything. */
export function statusesIn(reply: string): number[] {
  return [...reply.matchAll(/(?:^|\r\n|\n)HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
    Number(status),
  )
}
