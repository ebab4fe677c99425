import type { Requests } from './requests.ts'

/** What a load generator saw. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Requests that failed, or were answered otherwise than they should be. */
  readonly wrong: number
}

/** Sends requests over 64 connections, or so many, as fast as they are answered. */
export interface Load {
  /** Its name and version. */
  readonly name: string
  run(url: string, requests: Requests, seconds: number, connections?: number): Promise<LoadResult>
}

/** How many connections the load comes over where nobody says otherwise. */
export const connections = 64
