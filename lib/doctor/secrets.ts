import type { Finding } from './finding.ts'

/** Takes secrets out of findings, should the system or a server have put them into its words. */
export function hiding(secrets: readonly string[]): (finding: Finding) => Finding {
  const longestFirst = [...new Set(secrets)].sort((one, other) => other.length - one.length)
  const hide = (text: string) =>
    longestFirst.reduce((rest, each) => rest.replaceAll(each, '…'), text)
  return ({ name, status, found, fix }) => ({
    name,
    status,
    found: hide(found),
    ...(fix === undefined ? {} : { fix: hide(fix) }),
  })
}
