import { defined } from "./machine/json.ts";
/** Where a page begins: nothing for the first. */
export interface PageStart {
  readonly cursor?: string;
}

/** Yields the pages of a listing. A page without a cursor is the last. */
export async function* listPages<Page extends { readonly cursor?: string | undefined }>(
  load: (start: PageStart) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await load(defined({ cursor }));
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
