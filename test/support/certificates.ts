import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { endAtExit } from './processes.ts'

/** A certificate with its private key, as PEM text and as files. */
interface Certificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** An authority of the tests' own, what it has signed, and an authority that has signed nothing. */
export interface TestCertificates {
  /** Where the files are: `ca.crt`, `ca.key`, `server.crt` and so on; gone when the process ends. */
  readonly folder: string
  readonly ca: Certificate
  /** For `127.0.0.1` and `localhost`. */
  readonly server: Certificate
  readonly client: Certificate
  readonly otherCa: Certificate
}

let made: Promise<TestCertificates> | undefined

/** The certificates of this process, the same ones however often it asks. */
export function testCertificates(): Promise<TestCertificates> {
  made ??= make()
  return made
}

type Options = NonNullable<Parameters<typeof generate>[1]>
type Extensions = NonNullable<Options['extensions']>

const AUTHORITY: Extensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
]
const LOOPBACK: Extensions[number] = {
  name: 'subjectAltName',
  altNames: [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
  ],
}

async function make(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'memoryware-certificates-'))
  endAtExit(() => rmSync(folder, { recursive: true, force: true }))
  const certify = async (name: string, options: Options): Promise<Certificate> => {
    const subject = [{ name: 'commonName', value: `memoryware test ${name}` }]
    const pair = await generate(subject, { keyType: 'ec', algorithm: 'sha256', ...options })
    const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
    await writeFile(certFile, pair.cert)
    await writeFile(keyFile, pair.private, { mode: 0o600 })
    return { cert: pair.cert, key: pair.private, certFile, keyFile }
  }
  const [ca, otherCa] = await Promise.all([
    certify('ca', { extensions: AUTHORITY }),
    certify('other-ca', { extensions: AUTHORITY }),
  ])
  const signed = (extensions: Extensions): Options => ({ ca, extensions })
  const [server, client] = await Promise.all([
    // A server of a cluster is a client of the others.
    certify(
      'server',
      signed([LOOPBACK, { name: 'extKeyUsage', serverAuth: true, clientAuth: true }]),
    ),
    certify('client', signed([{ name: 'extKeyUsage', clientAuth: true }])),
  ])
  return { folder, ca, server, client, otherCa }
}
