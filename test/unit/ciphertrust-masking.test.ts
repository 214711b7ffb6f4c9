import assert from 'node:assert/strict';
import { issueServer } from '../../simulator/certificates.ts';
import { type Answer, answerFailure } from '../../systems/ciphertrust/errors.ts';
import { withoutSecrets } from '../../systems/ciphertrust/masking.ts';

/** What of an answer is quoted to a person. */
const said = (answer: Answer, sent: object): string => answerFailure('asking', answer, sent).problem.evidence?.text ?? '';

/** So many letters of a key in a row are told by nobody by chance. */
const telling = 12;

/** How a box, or a proxy before it, may write down again what it was sent. */
const forms: [name: string, write: (text: string) => string][] = [
  ['as it was sent', (text) => text],
  ['as JSON has it', (text) => JSON.stringify(text).slice(1, -1)],
  ['as JSON has it within JSON', (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1)],
  ['folded into one line', (text) => text.replace(/\s+/g, ' ')],
  ['without its line ends', (text) => text.replace(/\n/g, '')],
  ['with line ends of a page', (text) => text.replace(/\n/g, '<br>\n')],
];

/** Where an answer says something. */
const places: [name: string, answer: (said: string) => unknown][] = [
  ['a message', (message) => ({ code: 9, codeDesc: 'NCERRInvalidParamValue', message })],
  ['a label', (codeDesc) => ({ codeDesc })],
  ['a text', (text) => text],
  ['a page', (text) => `<html><body><h1>Bad</h1>\n<p>${text}</p></body></html>`],
  ['the title of a page', (text) => `<html><head><title>${text}</title></head></html>`],
];

describe('What CipherTrust Manager quotes of a private key', () => {
  let key: string;
  let bundle: string;
  let lines: string[];
  before(async () => {
    const { certificatePem, privateKeyPem, authorityPem } = await issueServer({ commonName: 'cm' });
    key = privateKeyPem;
    bundle = `${certificatePem.trim()}\n${privateKeyPem.trim()}\n${authorityPem.trim()}\n`;
    lines = key.trim().split('\n').slice(1, -1);
  });
  const tells = (text: string): boolean => {
    const [told, letters] = [text.replace(/\s|\\n|\\|<br>/g, ''), lines.join('')];
    return Array.from(told, (_, at) => told.slice(at, at + telling)).some((piece) => piece.length === telling && letters.includes(piece));
  };
  const setup = () => ({ initialConfig: { 'client-cert-key': key } });
  const web = () => ({ certificate: bundle, format: 'PEM', generate: false });
  /** A key that was not sent now, but by somebody before. */
  const nothing = () => ({});

  const rows: [what: string, sent: () => object, quote: () => string][] = [
    ['the whole of it', setup, () => key],
    ['the whole of it, though it was not sent with this request', nothing, () => key],
    ['its beginning, cut short', setup, () => key.slice(0, 200)],
    ['its first letters, cut short', setup, () => `${key.slice(0, 40)}…`],
    ['its beginning, though it was not sent with this request', nothing, () => key.slice(0, 200)],
    ['its lines without the first and the last', setup, () => lines.join('\n')],
    ['one of its lines', setup, () => lines[7]!],
    ['its last lines', setup, () => lines.slice(-2).join('\n')],
    ['a piece out of the middle, across lines', setup, () => key.slice(150, 260)],
    ['a bundle with certificates, as it was sent', web, () => bundle],
    ['the key of a bundle alone', web, () => key],
    ['the key of a bundle and the certificate after it', web, () => bundle.slice(bundle.indexOf('-----BEGIN RSA'))],
    ['the beginning of the key of a bundle', web, () => key.slice(0, 300)],
    ['a line of the key of a bundle', web, () => lines[3]!],
  ];
  for (const [what, sent, quote] of rows)
    it(`is not told: ${what}`, () => {
      for (const [form, write] of forms) {
        // What a person is told is cut short: here all of it is looked at.
        assert.ok(!tells(withoutSecrets(write(quote()), sent())), form);
        for (const [place, answer] of places) {
          const seen = said({ status: 400, body: answer(`no key: ${write(quote())}`) }, sent());
          assert.ok(!tells(seen), `${form}, in ${place}: ${seen}`);
          assert.match(seen, /^400 .*no key: (\*{8}|-----BEGIN CERTIFICATE)/s, `${form}, in ${place}: what else is said stays`);
        }
      }
    });

  it('takes nothing else away: what follows a whole key or a line of it is told', () => {
    const told = (message: string, sent: object) => said({ status: 400, body: { message } }, sent);
    assert.equal(told(`${key.trim()} has no certificate`, setup()), '400 ******** has no certificate');
    assert.equal(told(`${key.trim()}\n has no certificate`, nothing()), '400 ********\n has no certificate');
    // A word after it could be the beginning of the next line of the key, by chance.
    assert.equal(told(`line ${lines[2]}: not understood`, web()), '400 line ********: not understood');
    assert.equal(told('certificate: -----BEGIN CERTIFICATE----- is missing', web()), '400 certificate: -----BEGIN CERTIFICATE----- is missing');
  });
});

describe('What CipherTrust Manager quotes of another secret', () => {
  const told = (body: unknown, sent: object) => said({ status: 400, body }, sent);

  it('is not told where it has several lines that are folded', () => {
    const license = 'first line\n  second line\n';
    assert.equal(told({ message: `bad license ${license}` }, { license: license }), '400 bad license ********');
    assert.equal(told(`bad license ${license}`, { license: license }), '400 bad license ********');
    assert.equal(told('bad license first line second line', { license: license }), '400 bad license ********');
  });

  it('is not told where a page has it in its own way of writing', () => {
    assert.equal(told('<p>bad key a&lt;b&amp;&quot;c&#39;</p>', { key: 'a<b&"c\'' }), '400 bad key ********');
    assert.equal(told('<p>bad key a<b>c</p>', { key: 'a<b>c' }), '400 bad key ********');
  });

  it('is not told in part where one secret begins with another', () => {
    assert.equal(told({ message: 'Secret-12 is too like Secret-1' }, { password: 'Secret-1', new_password: 'Secret-12' }), '400 ******** is too like ********');
  });
});
