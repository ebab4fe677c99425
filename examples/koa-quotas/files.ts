import { readFile } from 'node:fs/promises'
import type { Context, Next } from 'koa'

/** By path: what the page is made of. It looks like the chat's page, and shares these with it. */
const pages = new Map(
  [
    '/index.html',
    '/style.css',
    '/budgets.css',
    '/requests.css',
    '/main.js',
    '/api.js',
    '/budgets-view.js',
    '/people-view.js',
    '/request.js',
    '/requests-view.js',
    '/rules.js',
  ].map((path) => [path, new URL(`public${path}`, import.meta.url)]),
)
for (const path of ['base.css', 'dom.js', 'events.js', 'icon.svg'])
  pages.set(`/rag-chat/public/${path}`, new URL(`../rag-chat/public/${path}`, import.meta.url))

/** Sends the page and its parts. */
export async function files(ctx: Context, next: Next): Promise<void> {
  const file = pages.get(ctx.path === '/' ? '/index.html' : ctx.path)
  if (file === undefined || !['GET', 'HEAD'].includes(ctx.method)) return next()
  ctx.set('Cache-Control', 'no-cache')
  ctx.type = file.pathname.slice(file.pathname.lastIndexOf('.'))
  ctx.body = await readFile(file)
}
