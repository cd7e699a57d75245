/** A queue by priority: the smallest item first. */
export interface Heap<Item> {
  push(item: Item): void;
  peek(): Item | undefined;
  pop(): Item | undefined;
}

/** A binary heap; `isBefore` orders it. */
export function createHeap<Item>(isBefore: (a: Item, b: Item) => boolean): Heap<Item> {
  const items: Item[] = [];
  return {
    push(item) {
      items.push(item);
      siftUp(items, isBefore);
    },
    peek: () => items[0],
    pop() {
      const first = items[0];
      const last = items.pop();
      if (last === undefined || items.length === 0) return first;
      items[0] = last;
      siftDown(items, isBefore);
      return first;
    },
  };
}

function siftUp<Item>(items: Item[], isBefore: (a: Item, b: Item) => boolean): void {
  let index = items.length - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!swapWhen(items, parent, index, isBefore)) return;
    index = parent;
  }
}

function siftDown<Item>(items: Item[], isBefore: (a: Item, b: Item) => boolean): void {
  let index = 0;
  for (;;) {
    const child = findSmallerChild(items, index, isBefore);
    if (child === undefined || !swapWhen(items, index, child, isBefore)) return;
    index = child;
  }
}

function findSmallerChild<Item>(
  items: readonly Item[],
  index: number,
  isBefore: (a: Item, b: Item) => boolean,
): number | undefined {
  const left = items[2 * index + 1];
  if (left === undefined) return undefined;
  const right = items[2 * index + 2];
  return right !== undefined && isBefore(right, left) ? 2 * index + 2 : 2 * index + 1;
}

/** Puts the smaller one of the two above; false when it was there already. */
function swapWhen<Item>(items: Item[], above: number, below: number, isBefore: (a: Item, b: Item) => boolean): boolean {
  const [upper, lower] = [items[above], items[below]];
  if (upper === undefined || lower === undefined || !isBefore(lower, upper)) return false;
  items[above] = lower;
  items[below] = upper;
  return true;
}
