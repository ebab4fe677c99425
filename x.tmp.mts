import { estimatedTokens } from './lib/history/estimated-tokens.ts'
import { countedText } from './lib/history/counted-text.ts'
import { toEntry, toMessage } from './lib/history/message.ts'
import { titleOf } from './lib/history/bounds.ts'
import { codecOf } from './lib/history/codec.ts'
import { json } from './lib/serializer.ts'
import { redacted } from './lib/redact.ts'
import { parseEntry, parseMeta } from './lib/providers/redis/session-record.ts'
import { sessionKeys, guestOwner } from './lib/keys.ts'
const q = JSON.parse(JSON.stringify('What is kept, and for how long? '.repeat(16)))
function bench(name,f,n=200000){ for(let i=0;i<20000;i++) f(i); const c=process.cpuUsage(); for(let i=0;i<n;i++) f(i); const d=process.cpuUsage(c); console.log(name.padEnd(32),((d.user+d.system)/n*1000).toFixed(0),'ns') }
let sink
const codec=codecOf(json,'ann')
const rules={maxBytes:65536,count:(m)=>estimatedTokens(countedText(m))}
bench('estimated',i=>{sink=estimatedTokens(q)})
bench('counted',i=>{sink=countedText({id:'x',role:'user',content:q,createdAt:1})})
bench('toEntry',i=>{sink=toEntry({role:'user',content:q},rules,codec)})
const m={role:'user',content:q} as const
const e=toEntry(m,rules,codec)
bench('titleOf',i=>{sink=titleOf([m],[e])})
bench('encode',i=>{sink=codec.encode('a',{content:q,createdAt:1})})
bench('redacted',i=>{sink=redacted(e.payload)})
bench('toMessage',i=>{sink=toMessage({...e,seq:1,payload:e.payload as Buffer},codec)})
const line=Buffer.concat([Buffer.from(`123|${e.id}|u|125|`),e.payload])
bench('parseEntry',i=>{sink=parseEntry(line)})
const b=(x)=>Buffer.from(String(x))
const meta=[b(12),b(22),b(22),b(2500),b(Date.now()),b(Date.now()),b('"title"'),null,b('abcdefghijkl'),null,null,null,null]
bench('parseMeta',i=>{sink=parseMeta(meta,'abcdefghijkl')})
const recs=Array.from({length:16},(_,i)=>`${e.id} ${crypto.randomUUID()} session:turns:${crypto.randomUUID()} ended ${Date.now()}`).join('\n')
bench('parseMeta turns',i=>{sink=parseMeta([...meta.slice(0,12),b(recs)],'abcdefghijkl')},20000)
bench('sessionKeys',i=>{sink=sessionKeys('~abcdefghijklmnopqrstuvwxyzabcdef'+(i&15),'s'+(i&31))})
bench('guestOwner',i=>{sink=guestOwner('abcdefghijklmnopqr'+(1000+(i&31)))})
