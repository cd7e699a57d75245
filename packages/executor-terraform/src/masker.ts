/** Shorter texts would mask half of any log. */
const MIN_SECRET_CHARS = 4;
/** A line of a longer secret, such as a private key, is masked by itself from here on. */
const MIN_LINE_CHARS = 8;
const MASK = "***";
const SECRET_NAME = /pass(word|phrase|wd)?|secret|token|credential|private_?key|api_?key|access_?key/i;

/** True for names whose values are treated as secrets although nobody marked them. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A function that replaces every occurrence of the secrets, as they are, as JSON writes them, and line by line. */
export function createMasker(secrets: Iterable<string>): (text: string) => string {
  const forms = new Set([...secrets].filter((secret) => secret.trim().length >= MIN_SECRET_CHARS).flatMap(toForms));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function toForms(secret: string): string[] {
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= MIN_LINE_CHARS);
  const escaped = JSON.stringify(secret).slice(1, -1);
  return [secret, escaped, ...(lines.length > 1 ? lines : [])];
}
