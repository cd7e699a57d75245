/** All pages of a listing: each names the token of the next, an absent or empty one is the end. */
export async function* listPages<Page extends { readonly NextToken?: string | undefined }>(
  load: (token: { readonly NextToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let token: { readonly NextToken?: string } | undefined = {};
  while (token !== undefined) {
    const page: Page = await load(token);
    yield page;
    token = page.NextToken === undefined || page.NextToken === "" ? undefined : { NextToken: page.NextToken };
  }
}
