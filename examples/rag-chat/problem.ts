import type { ErrorRequestHandler, Response } from 'express'

/** Answers with a problem document (RFC 9457). */
export function problem(res: Response, status: number, title: string, detail: string): void {
  res
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ status, title, detail }))
}

/** What may be told of an error: its own words where they were written to be read. */
export function wordsOf(error: unknown): string {
  const { expose, message } = error as { expose?: unknown; message?: unknown }
  return expose === true && typeof message === 'string'
    ? message
    : 'Something went wrong on the server.'
}

/** Says on standard error what nobody was meant to read. */
export function report(error: unknown): void {
  const { expose } = error as { expose?: unknown }
  if (expose !== true)
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
}

/** Answers errors of handlers and of the middlewares with their status and headers. */
export const problems: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, headers } = error as { status?: unknown; headers?: Record<string, string> }
  const code = typeof status === 'number' && status >= 400 && status < 600 ? status : 500
  if (code === 500) report(error)
  if (headers) res.set(headers)
  problem(
    res,
    code,
    code < 500 ? 'The request cannot be served' : 'The server cannot answer',
    wordsOf(error),
  )
}
