/** Pixels of a character at 13 px in the widest system font, rounded up. */
const WIDTHS = { capital: 9.2, other: 7.9, narrow: 4.8 } as const;

/** Bold letters are so much wider. */
const BOLD = 1.1;

/** Returns the width that a text takes at most, in pixels. */
export function measureText(text: string, isBold = false): number {
  let width = 0;
  for (const character of text) {
    width += /[\p{Lu}\p{Lo}\p{So}mw@%]/u.test(character)
      ? WIDTHS.capital
      : /[ .,:;'|!ilj()[\]-]/.test(character)
        ? WIDTHS.narrow
        : WIDTHS.other;
  }
  return Math.ceil(isBold ? width * BOLD : width);
}
