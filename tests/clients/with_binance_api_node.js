// binance-api-node: `httpBase` of its constructor leads it to loopback.
// Calls come as JSON lines [method, parameters] on standard input, answers leave as JSON lines.
'use strict'
const readline = require('readline')
const Binance = require('binance-api-node').default

const [url, apiKey, apiSecret] = process.argv.slice(2)
const client = Binance({ apiKey, apiSecret, httpBase: url })

const answer = async line => {
  const [method, parameters] = JSON.parse(line)
  try {
    return { value: await client[method](parameters) }
  } catch (error) {
    return { error: String(error.message), code: error.code }
  }
}

readline.createInterface({ input: process.stdin }).on('line', async line => {
  process.stdout.write(JSON.stringify(await answer(line)) + '\n')
})
