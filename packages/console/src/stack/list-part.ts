const MAX_STACKS = 50;
/** Ids are sent in the address, which servers and proxies limit. */
const MAX_CHARACTERS = 4_000;

/** Returns the part of a list that is shown next to one of its stacks: the same for all stacks of the part. */
export function choosePart(ids: readonly string[], stackId: string): readonly string[] {
  let part: string[] = [];
  let characters = 0;
  for (const id of ids) {
    const length = encodeURIComponent(id).length;
    if (part.length === MAX_STACKS || (part.length > 0 && characters + length > MAX_CHARACTERS)) {
      if (part.includes(stackId)) break;
      part = [];
      characters = 0;
    }
    part.push(id);
    characters += length;
  }
  return part;
}
