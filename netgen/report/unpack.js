// Reads text that packed.py has put into an element of the page: base 85 (Python's digits, a comma for <), then inflate.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
const valueOf = new Uint8Array(128);
[...DIGITS].forEach((digit, value) => { valueOf[digit.charCodeAt(0)] = value; });

async function unpack(id) {
  const text = document.getElementById(id).textContent;
  const missing = (5 - (text.length % 5)) % 5; // digits missing in the last group of five; as many of its bytes are padding
  const padded = text + "~".repeat(missing);
  const bytes = new DataView(new ArrayBuffer((padded.length / 5) * 4));
  for (let at = 0; at < padded.length; at += 5) {
    let word = 0;
    for (let k = at; k < at + 5; k += 1) word = word * 85 + valueOf[padded.charCodeAt(k)];
    bytes.setUint32((at / 5) * 4, word);
  }
  const deflated = new Blob([new Uint8Array(bytes.buffer, 0, bytes.byteLength - missing)]).stream();
  return new Response(deflated.pipeThrough(new DecompressionStream("deflate"))).text();
}
