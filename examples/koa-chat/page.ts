/** What the page shows. */
export interface Shown {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
  /** Why the last message was not answered, and that message. */
  readonly problem?: string
  readonly draft?: string
}

const suggestions = ['What happens when Redis is down?', 'How is a guest known?']

/** The whole page: it needs no script. */
export function page({ messages, problem, draft = '' }: Shown): string {
  const turns = messages.map(
    ({ role, content }) => `<li class="turn ${safe(role)}">${safe(String(content))}</li>`,
  )
  const starts = suggestions.map((text) => `<button name="text" value="${text}">${text}</button>`)
  // The form is known by it when it is sent twice.
  const id = `<input type="hidden" name="id" value="${crypto.randomUUID()}">`
  const welcome = `<form id="welcome" method="post">${id}
    <p>Ask something about memoryware.</p>${starts.join('')}
  </form>`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chat on Koa</title>
<link rel="stylesheet" href="/style.css">
<h1>Chat on Koa</h1>
<main>${turns.length > 0 ? `<ol>${turns.join('\n')}</ol>` : welcome}</main>
<form class="composer" method="post">${id}
  ${problem === undefined ? '' : `<p role="alert">${safe(problem)}</p>`}
  <label for="text">Message</label>
  <input id="text" name="text" value="${safe(draft)}" maxlength="2000" required autofocus autocomplete="off">
  <button>Send</button>
</form>
`
}

function safe(text: string): string {
  const escaped = text.replace(/[&<>"']/gu, (sign) => `&#${sign.codePointAt(0)};`)
  return escaped.replace(/`([^`]+)`/gu, '<code>$1</code>')
}
