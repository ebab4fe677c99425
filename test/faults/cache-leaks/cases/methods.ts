import type { Run } from '../../../cache/site.ts'
import { type LeakCase, lastFails, ownText } from '../leak-case.ts'

/** How it is asked for. */
export const methods: readonly LeakCase[] = [
  ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => ({
    says: `an answer of a GET to a ${method}`,
    asks: [['/a'], ['/a', { method }]] as const,
    leaksIn: ['apicache', 'route-cache', 'naive'] as const,
  })),
  {
    says: 'the emptiness of a HEAD to a GET',
    asks: [['/a', { method: 'HEAD' }], ['/a']],
    leaked: lastFails(({ body }) => body.startsWith('run')),
    leaksIn: ['naive'],
  },
  {
    says: 'the emptiness of a HEAD that wrote its head itself, to a GET',
    handle: (run) =>
      run.method === 'HEAD'
        ? run.raw.writeHead(200, { 'content-length': '5', 'cache-control': 'max-age=60' }).end()
        : ownText(run),
    asks: [['/a', { method: 'HEAD' }], ['/a']],
    leaked: lastFails(({ body }) => body.startsWith('run')),
    leaksIn: ['naive'],
  },
  ...['206', '206 that says max-age'].map((says) => ({
    says: `a ${says}, as the whole`,
    handle: (run: Run) => {
      if (run.headers.range === undefined && run.number > 1) return run.send(200, 'whole')
      if (says !== '206') run.set('Cache-Control', 'max-age=60')
      run.set('Content-Range', 'bytes 0-1/5')
      run.send(206, 'wh')
    },
    asks: [['/a', { headers: { range: 'bytes=0-1' } }], ['/a']] as const,
    leaked: lastFails(({ status, body }) => status === 200 && body === 'whole'),
    leaksIn: ['apicache', 'route-cache', 'naive'] as const,
  })),
  {
    says: 'a 304 to a client that has nothing',
    handle(run) {
      run.set('ETag', '"1"')
      if (run.headers['if-none-match'] === '"1"') run.send(304)
      else run.send(200, 'whole')
    },
    asks: [['/a', { headers: { 'if-none-match': '"1"' } }], ['/a']],
    leaked: lastFails(({ status, body }) => status === 200 && body === 'whole'),
    leaksIn: ['route-cache', 'naive'],
  },
  {
    says: 'a 304 by date to a client that has nothing',
    handle(run) {
      run.set('Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT')
      if (run.headers['if-modified-since']) run.send(304)
      else run.send(200, 'whole')
    },
    asks: [['/a', { headers: { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' } }], ['/a']],
    leaked: lastFails(({ status, body }) => status === 200 && body === 'whole'),
    leaksIn: ['route-cache', 'naive'],
  },
  {
    says: 'a 412 to a client that set no condition',
    handle(run) {
      if (run.headers['if-match']) run.send(412, 'no')
      else run.send(200, 'whole')
    },
    asks: [['/a', { headers: { 'if-match': '"2"' } }], ['/a']],
    leaked: lastFails(({ status, body }) => status === 200 && body === 'whole'),
    leaksIn: ['apicache', 'naive'],
  },
]
