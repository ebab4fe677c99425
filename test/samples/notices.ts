import { eventually } from '../support/eventually.ts'

/** The notices of this process that match, from now until there is one and `act` has ended. */
export async function noticesDuring(
  wanted: RegExp,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const heard: string[] = []
  const listen = (warning: Error & { readonly code?: string }) => {
    const text = `${warning.code} ${warning.message}`
    if (wanted.test(text)) heard.push(text)
  }
  process.on('warning', listen)
  try {
    await act()
    await eventually('there is a notice', async () => heard.length > 0 || undefined)
  } finally {
    process.off('warning', listen)
  }
  return heard
}
