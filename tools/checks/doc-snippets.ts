/** A fenced piece of a Markdown page. */
export interface DocSnippet {
  readonly page: string;
  /** The line of its first line, from 1. */
  readonly line: number;
  /** The word after the fence: `yaml`, `ts`, `json`, `sh`, `text` … */
  readonly language: string;
  /** What follows that word, such as `fragment`. */
  readonly note: string;
  readonly text: string;
}

const FENCE = /^```(\S*) ?(.*)$/;

/** The fenced pieces of a page, in their order. Throws when one is never closed. */
export function readDocSnippets(page: string, markdown: string): readonly DocSnippet[] {
  const snippets: DocSnippet[] = [];
  let open: (Omit<DocSnippet, "text"> & { readonly lines: string[] }) | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const [fence, language = "", note = ""] = FENCE.exec(line) ?? [];
    if (fence === undefined) open?.lines.push(line);
    else if (open === undefined) open = { page, line: index + 2, language, note, lines: [] };
    else {
      const { lines, ...rest } = open;
      snippets.push({ ...rest, text: `${lines.join("\n")}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${page}: the piece that begins at line ${open.line} is not closed.`);
  return snippets;
}
