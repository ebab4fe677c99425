import { createHash } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import { ApiError } from './api-error.ts'

/** Who asks: a digest of the API key, so that the key itself stands in no log and in no store. */
export function callerOf(req: Request): string {
  return digest(keyOf(req))
}

/** Lets in who brings one of these API keys; without a list any key, for upstream to judge. */
export function admit(keys: readonly string[] | undefined): RequestHandler {
  const admitted = keys && new Set(keys.map(digest))
  return (req, _res, next) => {
    if (keyOf(req) === '' || admitted?.has(callerOf(req)) === false)
      throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })
    next()
  }
}

function keyOf(req: Request): string {
  const [, key = ''] = /^Bearer +(\S+)$/iu.exec(req.get('authorization') ?? '') ?? []
  return key
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
