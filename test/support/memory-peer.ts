import apicache from 'apicache'
import express from 'express'
import { serveForked } from './fault-server.ts'

// A cache that keeps what it has in the process, as apicache does where it is given no Redis. One of
// the apps of the fault table, with the routes of `fault-app.ts` that it can have, and `?kept`: how
// many answers it has.
const app = express()
app.get('/', (req, res, next) => {
  if (req.query['kept'] === undefined) next()
  else res.json(apicache.getIndex().all.length)
})
app.use(apicache.options({}).middleware('5 minutes'))
app.get('/', (req, res) => {
  res.json(req.query['page'] === undefined ? {} : ['x'.repeat(Number(req.query['page']))])
})
await serveForked(app, () => {})
