import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { cpuMicrosOf } from '../../bench/redis-cpu.ts'

describe('the CPU time of Redis', () => {
  it('is that of the kernel and its own, without that of its children', () => {
    const info = [
      '# CPU',
      'used_cpu_sys:1.500000',
      'used_cpu_user:2.250000',
      'used_cpu_sys_children:9.000000',
      'used_cpu_user_main_thread:2.000000',
    ].join('\r\n')
    assert.equal(cpuMicrosOf(info), 3_750_000)
  })

  it('is not to be had of other sections', () => {
    assert.throws(() => cpuMicrosOf('# Server\r\n'), /says nothing of its CPU time/)
  })
})
