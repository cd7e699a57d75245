/** A fenced code block of a Markdown page. */
export interface DocSnippet {
  readonly page: string;
  /** The line of its first line, from 1. */
  readonly line: number;
  /** The word after the fence: `yaml`, `ts`, `json`, `sh`, `text` … */
  readonly language: string;
  /** What follows that word, such as `fragment`. */
  readonly note: string;
  readonly text: string;
  /** What the reader knows from the text around it, for the compiler: a comment `<!-- given … -->` right before the fence. */
  readonly given: string;
}

const FENCE = /^```(\S*) ?(.*)$/;
const GIVEN = "<!-- given";
const GIVEN_END = "-->";

/** Returns the code blocks of a page, in their order. Throws when a block or a comment has no end, or a comment no block. */
export function readDocSnippets(page: string, markdown: string): readonly DocSnippet[] {
  const snippets: DocSnippet[] = [];
  let comment: Region | undefined;
  for (const region of readRegions(page, markdown.split("\n"))) {
    const { fence, start, text } = region;
    if (comment !== undefined && (fence === undefined || start !== comment.end + 1)) throw misplaced(page, comment);
    if (fence !== undefined) snippets.push({ page, line: start + 2, ...fence, text, given: comment?.text ?? "" });
    comment = fence === undefined ? region : undefined;
  }
  if (comment !== undefined) throw misplaced(page, comment);
  return snippets;
}

/** A code block, or a comment with what is given for the next one. Lines count from 0. */
interface Region {
  readonly fence: Pick<DocSnippet, "language" | "note"> | undefined;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function readRegions(page: string, lines: readonly string[]): readonly Region[] {
  const regions: Region[] = [];
  for (let start = 0; start < lines.length; start += 1) {
    const line = lines[start] ?? "";
    const [opening, language = "", note = ""] = FENCE.exec(line) ?? [];
    if (opening === undefined && line !== GIVEN) continue;
    const isEnd = (each: string) => (opening === undefined ? each === GIVEN_END : FENCE.test(each));
    const end = lines.findIndex((each, index) => index > start && isEnd(each));
    if (end < 0) throw new Error(`${page}:${start + 1} This code block or comment is not closed.`);
    const text = `${lines.slice(start + 1, end).join("\n")}\n`;
    regions.push({ fence: opening === undefined ? undefined : { language, note }, start, end, text });
    start = end;
  }
  return regions;
}

function misplaced(page: string, { start }: Region): Error {
  return new Error(`${page}:${start + 1} A code block must follow this comment at once.`);
}
