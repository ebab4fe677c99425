import { describe, it } from 'node:test'
import { storeContract } from 'memoryware/store-contract'
import { countingProvider } from './counting-provider.ts'

storeContract({ name: 'counting', create: countingProvider, describe, it })
