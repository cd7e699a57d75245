/** What `npm run new` makes: files by their paths, and what is left to do by hand. */
export interface NewFiles {
  readonly files: ReadonlyMap<string, string>;
  readonly next: readonly string[];
}

/** Returns a name with hyphens in camel case: `wait-for-dns` is `waitForDns`. */
export function toCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns a name in camel case with hyphens: `extendFreeze` is `extend-freeze`. */
export function toKebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
