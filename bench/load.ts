import type { Requests } from './requests.ts'

/** What a load generator saw. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Requests that failed, or were answered otherwise than they should be. */
  readonly wrong: number
  /** How long an answer takes, in milliseconds: the middle one, and what only one in a hundred exceeds. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends requests over 64 connections, or `over` so many, as fast as they are answered. */
export interface Load {
  /** Its name and version. */
  readonly name: string
  run(url: string, requests: Requests, seconds: number, over?: number): Promise<LoadResult>
}

/** How many connections the load comes over, where nothing else is said. */
export const connections = 64
