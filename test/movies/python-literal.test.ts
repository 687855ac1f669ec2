import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'csv-parse'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { PythonLiteralError, type PythonValue, readPythonLiteral } from '../../ingest/movies/python-literal.ts'

t.test('what the reader understands', async (t) => {
  const cases: [text: string, value: PythonValue][] = [
    ['None', null],
    ['True', true],
    [' False ', false],
    ["[{'name': \"Otter's Den\", 'id': 3}]", [{ name: "Otter's Den", id: 3 }]],
    ['{}', {}],
    ["{'a': 1, 'b': [None, ], }", { a: 1, b: [null] }],
    ["{'a': 1, 'b': 2, 'a': 3}", { a: 3, b: 2 }],
    ['[]', []],
    ['()', []],
    ['(1)', 1],
    ['(1,)', [1]],
    ['((1, 2), (3))', [[1, 2], 3]],
    ['1, 2', [1, 2]],
    ['1,', [1]],
    ['{1, 2, 1}', new Set([1, 2])],
    ['set()', new Set()],
    ['0', 0],
    ['-0', 0],
    ['-0.0', -0],
    ['+ 7', 7],
    ['1_000', 1000],
    ['0x_fF', 255],
    ['0o17', 15],
    ['0B101', 5],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740993', 9007199254740993n],
    ['-0x20000000000001', -9007199254740993n],
    ['1.', 1],
    ['.5e1', 5],
    ['01.5', 1.5],
    ['1e400', Number.POSITIVE_INFINITY],
    ['-1e400', Number.NEGATIVE_INFINITY],
    ['1_0.2_5E-0_1', 1.025],
    ["'it\\'s'", "it's"],
    ['"a \'b\'"', "a 'b'"],
    ["'\\a\\b\\f\\n\\r\\t\\v\\\\'", '\x07\b\f\n\r\t\v\\'],
    ["'\\xa0\\u00e9\\U0001F3ac\\101\\0'", '\u00a0é🎬A\0'],
    ["'\\d\\ '", '\\d\\ '],
    ["'a\\\nb'", 'ab'],
    ["'''a\n'b''c'''", "a\n'b''c"],
    ["'''a\r\nb\rc'''", 'a\nb\nc'],
    ['"""a"b"""', 'a"b'],
    ["''", ''],
    ["r'\\n\\''", "\\n\\'"],
    ["U'a' \"b\" R'''c'''", 'abc'],
    ["['a'\n'b', 'c']", ['ab', 'c']],
    ['[ # a note\n\t1,\f\r\n 2\\\n]', [1, 2]],
    ['\n1\n', 1],
  ]
  for (const [text, value] of cases) t.strictSame(encode(readPythonLiteral(text)), encode(value), JSON.stringify(text))
})

t.test('what it refuses, with a sentence that says where', async (t) => {
  const cases: [text: string, message: string | RegExp][] = [
    ['', 'the text is empty at character 1'],
    [' \n# only a note', 'the text is empty at character 1'],
    ["[{'name': 'a'   x", "expected ',' or '}' at character 17, found 'x'"],
    ['[1, 2', "expected ',' or ']' at character 6, found the end of the text"],
    ['(1 2)', "expected ',' or ')' at character 4, found '2'"],
    ['[1\t\x01]', "expected ',' or ']' at character 4, found U+0001"],
    ['[1] é', "expected the end of the text at character 5, found 'é'"],
    ['[1] 🎬', "expected the end of the text at character 5, found '🎬'"],
    ["'a'\n'b'", "expected the end of the text at character 5, found '''"],
    ["{'a' 1}", "expected ',' or '}' at character 6, found '1'"],
    ["{'a': 1, 'b'}", "expected ':' at character 13, found '}'"],
    ["{'a', 'b': 1}", "expected ',' or '}' at character 10, found ':'"],
    ['{1: 2}', 'a dictionary key is not a string at character 2'],
    ["{'a': 1, None: 2}", 'a dictionary key is not a string at character 10'],
    ['{1, []}', 'a set cannot hold a list, a dictionary or a set at character 5'],
    ['{set()}', 'a set cannot hold a list, a dictionary or a set at character 2'],
    ['[,]', "expected a value at character 2, found ','"],
    ['[1,,2]', "expected a value at character 4, found ','"],
    ["'abc", 'a string that is never closed begins at character 1'],
    ["['a\nb']", 'a string that is never closed begins at character 2'],
    ["'''a''", 'a string that is never closed begins at character 1'],
    ["r'a\\'", 'a string that is never closed begins at character 1'],
    ["'\\", 'a string that is never closed begins at character 1'],
    ["'a\\x4g'", 'an escape without its 2 hexadecimal digits at character 3'],
    ["'\\u12'", 'an escape without its 4 hexadecimal digits at character 2'],
    ["'\\U00110000'", 'an escape past the last Unicode character at character 2'],
    ["'\\N{DASH}'", 'a character given by its name (\\N) is not supported at character 2'],
    ["b'a'", 'bytes are not supported at character 1'],
    ["'a' Rb'c'", 'bytes are not supported at character 5'],
    ["f'{a}'", 'an f-string is code, not a value at character 1'],
    ["ur'a'", 'the string prefix ur does not exist at character 1'],
    ["'a\0'", 'a NUL is not allowed at character 3'],
    ['2j', 'a complex number is not supported at character 1'],
    ['1 + 2', "expected the end of the text at character 3, found '+'"],
    ['--1', "expected a number after the sign at character 2, found '-'"],
    ['-True', "expected a number after the sign at character 2, found 'T'"],
    ['007', 'a whole number begins with a zero at character 1'],
    ['1__0', "expected the end of the number at character 2, found '_'"],
    ['1.2.3', "expected the end of the number at character 4, found '.'"],
    ['0b12', "expected the end of the number at character 4, found '2'"],
    ['12ab', "expected the end of the number at character 3, found 'a'"],
    ['...', "expected a value at character 1, found '.'"],
    ['Nonesuch', 'the name Nonesuch is not a value at character 1'],
    ['null', 'the name null is not a value at character 1'],
    ['set', "expected '(' of set() at character 4, found the end of the text"],
    ['set([1])', "expected ')' of set() at character 5, found '['"],
    ['__import__("os").getcwd()', 'the name __import__ is not a value at character 1'],
    ['[x for x in [1]]', 'the name x is not a value at character 2'],
    ["'a'.upper()", "expected the end of the text at character 4, found '.'"],
    ['{**{}}', "expected a value at character 2, found '*'"],
  ]
  for (const [text, message] of cases) {
    t.throws(() => readPythonLiteral(text), { name: 'PythonLiteralError', message }, JSON.stringify(text))
  }
  try {
    readPythonLiteral('[1, x]')
  } catch (error) {
    t.equal(error instanceof PythonLiteralError && error.position, 5)
  }
})

t.test('a key named __proto__ or constructor is a key like any other', async (t) => {
  const dict = readPythonLiteral("{'__proto__': {'polluted': True}, 'constructor': 1, 'id': 3}")
  t.strictSame(Object.keys(dict as object), ['__proto__', 'constructor', 'id'])
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  t.equal((readPythonLiteral('{}') as { toString?: unknown }).toString, undefined)
})

t.test('zod reads the values', async (t) => {
  const entries = z.array(z.object({ id: z.int(), name: z.string() }))
  t.strictSame(entries.parse(readPythonLiteral("[{'name': 'Drama', 'id': 18}]")), [{ id: 18, name: 'Drama' }])
  t.strictSame(z.record(z.string(), z.int()).parse(readPythonLiteral("{'a': 1}")), { a: 1 })
})

t.test('64 levels are read; a deeper or endless text is refused in time and without a stack overflow', async (t) => {
  t.type(readPythonLiteral('['.repeat(64) + ']'.repeat(64)), Array)
  t.strictSame(readPythonLiteral(`[${'[],'.repeat(1000)}]`), Array(1000).fill([]), 'side by side is not deep')
  const deep = 'brackets nest deeper than 64 at character 65'
  for (const bracket of ['[', '(', '{']) {
    t.throws(() => readPythonLiteral(bracket.repeat(10_000_000)), { name: 'PythonLiteralError', message: deep })
  }
  t.throws(() => readPythonLiteral("{'a': ".repeat(100)), /brackets nest deeper than 64/)
  t.throws(() => readPythonLiteral('1'.repeat(10_000_000)), /a number longer than 4300 characters at character 1/)
  t.throws(() => readPythonLiteral('x'.repeat(10_000_000)), /the name x{20} is not a value at character 1/)
})

t.test('time grows with the length of a hostile text, not with its square', async (t) => {
  const n = 1_000_000
  const hostile = {
    'many strings, then one that is never closed': `[${"'a', ".repeat(n)}'`,
    escapes: `'${'\\n'.repeat(n)}'`,
    'side by side': "'a' ".repeat(n),
    'quotes in a triple-quoted string': `'''${"''a".repeat(n)}`,
    'raw prefixes': `[${"r'\\\\',".repeat(n)}]`,
    notes: `[${'#\n'.repeat(n)}]`,
    numbers: `[${'1.5,'.repeat(n)}]`,
  }
  for (const [name, text] of Object.entries(hostile)) {
    const start = performance.now()
    try {
      readPythonLiteral(text)
    } catch (error) {
      t.type(error, PythonLiteralError)
    }
    // Each takes well under a second; reading a million pieces in quadratic time takes many minutes.
    t.ok(performance.now() - start < 10_000, name)
  }
})

// Python says what each text means: a value in a form that both sides can write, `refused`, or `unsupported` for a value
// that literal_eval reads and this reader does not.
const PYTHON = `
import ast, json, struct, sys, warnings
warnings.simplefilter('ignore')
class Unsupported(Exception): pass
def encode(v):
    if v is None or isinstance(v, bool): return v
    if isinstance(v, int) and abs(v) >= 2**53: return 'int ' + str(v)
    if isinstance(v, (int, float)): return 'number ' + struct.pack('>d', v).hex()
    if isinstance(v, str): return 'str ' + v
    if isinstance(v, (list, tuple)): return [encode(x) for x in v]
    if isinstance(v, set): return {'set': [encode(x) for x in v]}
    if isinstance(v, dict) and all(isinstance(k, str) for k in v): return {'dict': [[k, encode(x)] for k, x in v.items()]}
    raise Unsupported()
for line in sys.stdin:
    try: answer = {'value': encode(ast.literal_eval(json.loads(line)))}
    except Unsupported: answer = 'unsupported'
    except Exception: answer = 'refused'
    print(json.dumps(answer))
`

// Neither sets nor dictionaries have an order to compare.
function ordered(items: Encoded[]): string[] {
  return items.map((item) => JSON.stringify(item)).sort()
}

type Encoded = null | boolean | string | Encoded[] | { [kind: string]: Encoded[] }

function encode(value: PythonValue): Encoded {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return `int ${value}`
  if (typeof value === 'string') return `str ${value}`
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return `number ${bytes.toString('hex')}`
  }
  if (Array.isArray(value)) return value.map(encode)
  if (value instanceof Set) return { set: ordered([...value].map(encode)) }
  return { dict: ordered(Object.entries(value).map(([key, item]) => [key, encode(item)])) }
}

const answer = (text: string) => {
  try {
    return { value: encode(readPythonLiteral(text)) }
  } catch (error) {
    if (error instanceof PythonLiteralError) return 'refused'
    throw error
  }
}

function askPython(texts: string[]): unknown[] {
  const input = texts.map((text) => JSON.stringify(text)).join('\n')
  const python = spawnSync('python3', ['-c', PYTHON], { input, encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (python.status !== 0) throw new Error(`python3 failed: ${python.stderr}`)
  const lines = python.stdout.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line, (key, item) => (key === 'set' || key === 'dict' ? ordered(item) : item)))
}

/** The first texts that the two sides understand differently; what is beyond this reader must be refused. */
function differences(texts: string[], answers: unknown[]) {
  const compared = texts.map((text, i) => {
    const python = answers[i] === 'unsupported' ? 'refused' : answers[i]
    return { text, ours: answer(text), python }
  })
  return compared.filter(({ ours, python }) => !isDeepStrictEqual(ours, python)).slice(0, 5)
}

const noPython = spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not on the PATH'

const sprinkle = (parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''))
const blank = fc.constantFrom('', '', '', ' ', '\t', '\n', ' # it\'s "so"\n', '\\\n', '\r\n', '\f')
const character = fc.oneof(
  fc.constantFrom('a', ' ', '#', '[', 'é', '\u00a0', '映', '🎬', '\t', '{'),
  fc.constantFrom(
    '\\n',
    '\\\\',
    "\\'",
    '\\"',
    '\\\n',
    '\\xa0',
    '\\u00e9',
    '\\U0001f3ac',
    '\\7',
    '\\101',
    '\\777',
    '\\d',
    '\\8',
  ),
)
const quoted = fc
  .tuple(
    fc.constantFrom('', '', '', 'r', 'R', 'u', 'U'),
    fc.constantFrom("'", '"', "'''", '"""'),
    fc.array(fc.oneof({ weight: 5, arbitrary: character }, fc.constantFrom("'", '"', '\n', "''")), { maxLength: 8 }),
  )
  .map(([prefix, quote, body]) => {
    const safe = body.filter((part) => !part.includes(quote.charAt(0)) && (quote.length === 3 || part !== '\n'))
    return `${prefix}${quote}${safe.join('')}${quote}`
  })
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '0',
    '-0',
    '-0.0',
    '+1',
    '- 1',
    '1.',
    '.5',
    '00',
    '0_0',
    '1_0',
    '0x_f',
    '0XFF',
    '0o7',
    '0b1',
    '1e400',
    '-1e400',
    '1E-5',
    '01.5',
    '5e-324',
  ),
)
const { literal } = fc.letrec<{ literal: string }>((tie) => {
  const item = sprinkle([blank, tie('literal'), blank])
  const list = (open: string, close: string) =>
    fc.tuple(fc.array(item, { maxLength: 4 }), fc.boolean()).map(([items, comma]) => {
      const trailing = items.length > 0 && (comma || (open === '(' && items.length === 1)) ? ',' : ''
      return `${open}${items.join(',')}${trailing}${close}`
    })
  const pair = sprinkle([blank, quoted, blank, fc.constant(':'), item])
  return {
    literal: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'literal' },
      fc.oneof(
        fc.constantFrom('None', 'True', 'False', 'set()'),
        quoted,
        sprinkle([quoted, fc.constant(' '), quoted]),
        number,
      ),
      list('[', ']'),
      list('(', ')'),
      sprinkle([fc.constant('('), item, fc.constant(')')]),
      fc.array(pair, { maxLength: 4 }).map((pairs) => `{${pairs.join(',')}}`),
      fc
        .uniqueArray(fc.oneof(quoted, fc.integer().map(String)), { minLength: 1 })
        .map((items) => `{${items.join(', ')}}`),
    ),
  }
})

t.test('several thousand literals mean what Python says they mean', { skip: noPython }, async (t) => {
  const texts = fc.sample(literal, { numRuns: 6000, seed: 1, size: 'medium' } as fc.Parameters<string>)
  const answers = askPython(texts)
  t.strictSame(differences(texts, answers), [])
  const read = answers.filter((answer) => answer !== 'refused').length
  t.ok(read > 0.95 * texts.length, `${read} of ${texts.length} are literals to Python`)
})

t.test('what Python refuses is refused', { skip: noPython }, async (t) => {
  const token = fc.constantFrom(...`' " ''' \\ [ ] ( ) { } , : 1 0 . _ e x - + None set r b # a`.split(' '), ' ', '\n')
  const noise = fc.array(token, { maxLength: 9 }).map((tokens) => tokens.join(''))
  const damaged = fc.tuple(literal, fc.nat(), token).map(([text, at, put]) => {
    const characters = [...text]
    return characters.with(at % characters.length, put).join('')
  })
  const texts = fc.sample(fc.oneof(noise, damaged), { numRuns: 20_000, seed: 2 })
  t.strictSame(differences(texts, askPython(texts)), [])
})

const folder = process.env.REELHOUSE_SHARED_DATA
const file = folder === undefined ? '' : join(folder, 'movies', 'movies_metadata.csv')
const noData = existsSync(file)
  ? noPython
  : 'REELHOUSE_SHARED_DATA does not name a folder with movies/movies_metadata.csv'

t.test('every list of a real file means what Python says it means', { skip: noData }, async (t) => {
  const columns = [
    'belongs_to_collection',
    'genres',
    'production_companies',
    'production_countries',
    'spoken_languages',
  ]
  const cells: string[] = []
  await pipeline(
    createReadStream(file),
    parse({ bom: true, columns: true }),
    async (records: AsyncIterable<Record<string, string>>) => {
      for await (const record of records)
        cells.push(...columns.map((column) => record[column] ?? '').filter((cell) => cell !== ''))
    },
  )
  t.ok(cells.length > 0)
  t.strictSame(differences(cells, askPython(cells)), [])
})
