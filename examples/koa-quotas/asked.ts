import type { Context, Next } from 'koa'

/** What a browser asks. */
export interface Asked {
  readonly question: string
  /** An answer longer than was reserved for. */
  readonly long: boolean
  /** The model fails before its first word. */
  readonly broken: boolean
}

const most = 20_000

/** Reads the body before the limits, which need the question to know what to reserve. */
export async function readAsked(ctx: Context, next: Next): Promise<void> {
  let text = ''
  ctx.req.setEncoding('utf8')
  for await (const piece of ctx.req) {
    text += piece
    if (text.length > most) ctx.throw(413, 'The question is too long')
  }
  ctx.state['asked'] = asked(text) ?? ctx.throw(400, 'Send one question of up to 500 characters')
  await next()
}

/** What this request asks. */
export function askedOf(ctx: Context): Asked {
  return ctx.state['asked'] as Asked
}

function asked(text: string): Asked | undefined {
  try {
    const { question, long, broken } = JSON.parse(text) as Record<string, unknown>
    if (typeof question !== 'string' || question.trim() === '' || question.length > 500)
      return undefined
    return { question: question.trim(), long: long === true, broken: broken === true }
  } catch {
    return undefined
  }
}
