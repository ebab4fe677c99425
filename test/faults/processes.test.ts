import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'mocha'
import { killAtExit } from '../support/processes.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const limitedApp = fileURLToPath(new URL('../support/limited-app.ts', import.meta.url))

for (const algorithm of ['sliding', 'fixed']) {
  for (const framework of ['express', 'koa']) {
    describe(`two processes of ${framework} on one Redis (${algorithm})`, function () {
      this.timeout(60_000)
      let server: TestServer
      const children: ChildProcess[] = []
      const urls: string[] = []

      before(async () => {
        server = await startRedis()
        for (let n = 0; n < 2; n++) {
          const child = fork(limitedApp, [framework, algorithm, server.url], {
            execArgv: ['--import', 'tsx'],
          })
          killAtExit(child)
          children.push(child)
          const [url] = (await once(child, 'message')) as [string]
          urls.push(url)
        }
      })
      after(async () => {
        for (const child of children) {
          const exited = once(child, 'exit')
          child.kill()
          await exited
        }
        await server.stop()
      })

      it('pass exactly 100 of 1,000 requests at once at a limit of 100', async () => {
        const answers = await Promise.all(
          Array.from({ length: 1000 }, async (_, n) => {
            const answer = await fetch(`${urls[n % 2]}/`)
            await answer.text()
            return answer.status
          }),
        )
        assert.equal(answers.filter((status) => status === 200).length, 100)
        assert.equal(answers.filter((status) => status === 429).length, 900)
      })
    })
  }
}
