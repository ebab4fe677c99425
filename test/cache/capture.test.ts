import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { captureResponse } from '../../middleware/capture.ts'
import { Witness } from './witness.ts'

describe('captureResponse', () => {
  let server: http.Server

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  async function ask(listener: RequestListener, method = 'GET') {
    server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const req = http.request({ host: '127.0.0.1', port, method, agent: false }).end()
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    const chunks: Buffer[] = []
    res.on('data', (chunk: Buffer) => chunks.push(chunk))
    res.on('error', () => undefined)
    await new Promise((resolve) => res.once('close', resolve))
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }
  }

  const heads: readonly (readonly [string, (res: ServerResponse) => unknown])[] = [
    ['setHeader', (res) => res.setHeader('X-A', ['1', '2']).setHeader('X-B', 3).end('x')],
    [
      'writeHead with an object',
      (res) => res.writeHead(200, { 'X-A': ['1', '2'], 'X-B': 3 }).end('x'),
    ],
    [
      'writeHead with a list',
      (res) => res.writeHead(200, ['X-A', '1', 'X-A', '2', 'X-B', '3']).end('x'),
    ],
    [
      'writeHead with a reason',
      (res) => res.writeHead(200, 'Fine', { 'X-A': ['1', '2'], 'X-B': '3' }).end('x'),
    ],
  ]
  for (const [how, answer] of heads) {
    it(`tells the fields of ${how}`, async () => {
      const witness = new Witness()
      const { headers, body } = await ask((_req, res) => {
        captureResponse(res, witness)
        answer(res)
      })
      assert.deepEqual(witness.fields, { 'x-a': ['1', '2'], 'x-b': '3' })
      assert.deepEqual([headers['x-a'], headers['x-b'], String(body)], ['1, 2', '3', 'x'])
    })
  }

  it('does not tell what stood there before, unless it changed', async () => {
    const witness = new Witness()
    await ask((_req, res) => {
      res.setHeader('X-A', 'outer').setHeader('X-B', 'outer')
      captureResponse(res, witness)
      res.setHeader('X-A', 'outer').setHeader('X-B', 'inner').end()
    })
    assert.deepEqual(witness.fields, { 'x-b': 'inner' })
  })

  it('sends the fields that the observer adds', async () => {
    const { headers } = await ask((_req, res) => {
      captureResponse(res, new Witness({ 'x-more': 'yes' }))
      res.end('x')
    })
    assert.equal(headers['x-more'], 'yes')
  })

  it('leaves the length to node:http, and gives the methods back', async () => {
    let left: string[] = []
    const { headers } = await ask((_req, res) => {
      captureResponse(res, new Witness())
      res.end('12345')
      left = ['write', 'end', 'writeHead', 'flushHeaders'].filter((name) =>
        Object.hasOwn(res, name),
      )
    })
    assert.equal(headers['content-length'], '5')
    assert.deepEqual(left, [])
  })

  it('tells each byte once, of text in any encoding and of bytes', async () => {
    const witness = new Witness()
    const { body } = await ask((_req, res) => {
      captureResponse(res, witness)
      res.write('c3bc', 'hex')
      res.write(new Uint8Array([0x2d]))
      res.end('ä', 'latin1')
    })
    assert.deepEqual(witness.body, body)
    assert.deepEqual(witness.ends, [true])
  })

  it('stops where the observer says so', async () => {
    const witness = new Witness(false)
    const { body } = await ask((_req, res) => {
      captureResponse(res, witness)
      res.write('a')
      res.end('b')
    })
    assert.deepEqual([String(body), witness.body.length, witness.ends], ['ab', 0, []])
  })

  for (const [says, method, status] of [
    ['HEAD', 'HEAD', 200],
    ['a 204', 'GET', 204],
    ['a 304', 'GET', 304],
  ] as const) {
    it(`tells no body of ${says}`, async () => {
      const witness = new Witness()
      await ask((_req, res) => {
        captureResponse(res, witness)
        res.statusCode = status
        res.end('body')
      }, method)
      assert.deepEqual([witness.status, witness.body.length, witness.ends], [status, 0, [true]])
    })
  }

  it('tells that a response broke off, once', async () => {
    const witness = new Witness()
    await ask((_req, res) => {
      captureResponse(res, witness)
      res.write('half')
      setImmediate(() => res.destroy())
      res.once('close', () => res.end('late'))
    })
    assert.deepEqual([String(witness.body), witness.ends], ['half', [false]])
  })

  it('tells at once that a response is over already', async () => {
    const witness = new Witness()
    await ask((_req, res) => {
      res.end('x')
      captureResponse(res, witness)
    })
    assert.deepEqual(witness.ends, [false])
  })

  it('sees the plain bytes where a middleware outside compresses', async () => {
    const witness = new Witness()
    const { body, headers } = await ask((_req, res) => {
      compress(res)
      captureResponse(res, witness)
      res.setHeader('Content-Type', 'text/plain')
      res.write('plain ')
      res.end('text')
    })
    assert.equal(String(witness.body), 'plain text')
    assert.deepEqual(witness.fields, { 'content-type': 'text/plain' })
    assert.deepEqual(
      [headers['content-encoding'], String(gunzipSync(body))],
      ['gzip', 'plain text'],
    )
  })

  it('sees compressed bytes, and that they are, where a middleware inside compresses', async () => {
    const witness = new Witness()
    const { body } = await ask((_req, res) => {
      captureResponse(res, witness)
      compress(res)
      res.end('text')
    })
    assert.deepEqual(witness.body, body)
    assert.equal(witness.fields['content-encoding'], 'gzip')
  })

  it('sees a cookie that a middleware inside sets as the head goes out', async () => {
    const witness = new Witness()
    await ask((_req, res) => {
      captureResponse(res, witness)
      const { writeHead } = res
      res.writeHead = ((...args: unknown[]) => {
        res.setHeader('Set-Cookie', 'a=1')
        return Reflect.apply(writeHead, res, args)
      }) as typeof writeHead
      res.end('x')
    })
    assert.equal(witness.fields['set-cookie'], 'a=1')
  })

  it('follows two observers on one response', async () => {
    const witnesses = [new Witness({ 'x-1': '1' }), new Witness({ 'x-2': '2' })]
    const { headers } = await ask((_req, res) => {
      for (const witness of witnesses) captureResponse(res, witness)
      res.write('a')
      res.end('b')
    })
    assert.deepEqual(
      witnesses.map(({ body, ends }) => [String(body), ends]),
      [
        ['ab', [true]],
        ['ab', [true]],
      ],
    )
    assert.deepEqual([headers['x-1'], headers['x-2']], ['1', '2'])
  })
})

/** Compresses as the usual middlewares do: it wraps write and end, and changes the head as it goes. */
function compress(res: ServerResponse): void {
  const { writeHead, end } = res
  const held: Buffer[] = []
  res.writeHead = ((...args: unknown[]) => {
    res.setHeader('Content-Encoding', 'gzip')
    res.removeHeader('Content-Length')
    return Reflect.apply(writeHead, res, args)
  }) as typeof writeHead
  res.write = ((chunk: string) => {
    if (!res.headersSent) res.writeHead(res.statusCode)
    held.push(Buffer.from(chunk))
    return true
  }) as typeof res.write
  res.end = ((chunk: string) => {
    if (!res.headersSent) res.writeHead(res.statusCode)
    held.push(Buffer.from(chunk))
    return Reflect.apply(end, res, [gzipSync(Buffer.concat(held))])
  }) as typeof end
}
