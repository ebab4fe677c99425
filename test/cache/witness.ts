import type { Fields, Observer } from '../../middleware/exchange.ts'

/** What an observer was told. */
export class Witness implements Observer {
  status = 0
  fields: Fields = {}
  body = Buffer.alloc(0)
  readonly ends: boolean[] = []
  readonly #more: ReturnType<Observer['head']>

  constructor(more: ReturnType<Observer['head']> = {}) {
    this.#more = more
  }

  head(status: number, fields: Fields): ReturnType<Observer['head']> {
    this.status = status
    this.fields = fields
    return this.#more
  }

  chunk(bytes: Buffer): void {
    this.body = Buffer.concat([this.body, bytes])
  }

  end(complete: boolean): void {
    this.ends.push(complete)
  }
}
