import type { RequestListener } from 'node:http'

/** Where a stack keeps things: the URL of a Redis, those of a Cluster separated by commas, or nothing, and then in its process. */
export interface Place {
  readonly redis: string | undefined
}

/** Makes one of the servers that are compared. */
export type Stack = (place: Place) => RequestListener | Promise<RequestListener>

/** The URL of the Redis. @throws Error for a stack that knows no other place. */
export function redisOf({ redis }: Place): string {
  if (redis === undefined) throw new Error('This stack keeps things in Redis only')
  return redis
}
