// \p{Cc} are control characters and \p{Cf} format characters, with the bidi controls, but for the joiners of emoji and scripts.
const UNSAFE = /[^\P{Cc}\t\n]|[^\P{Cf}\u200c\u200d]|[\u2028\u2029]/gu;

/** Returns text from outside with its control and bidi characters made visible: `‹U+202E›`. Line feeds and tabs stay. */
export function toSafeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  });
}

/** Returns the first line that is not empty, which in the messages of tools says what happened. */
export function toFirstLine(text: string): string {
  return text.trim().split("\n", 1).join();
}

/** Returns the address when it is an http or https one without credentials; undefined for everything else. */
export function toSafeLink(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === "" && url.password === "" ? url : undefined;
}
