import type { Database } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";

const LIST = {
  name: "list_parked_stack_ids",
  text: "select distinct stack_id as id from stackyard.parked where stack_id > $1 order by stack_id limit $2",
};

/** Ids of stacks with parked events, in order, whether or not the stacks exist. */
export async function listParkedStackIds(
  database: Database,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await database.rows<{ id: string }>(LIST, toKeyText(after), limit);
  return rows.map(({ id }) => fromKeyText(id));
}
