import type { Box, Direction, PlacedLine, PlacedNode, Point } from "./graph-layout.ts";

interface RouteInput {
  readonly boxes: readonly PlacedNode[];
  /** With the points through which each goes from rank to rank. */
  readonly lines: readonly PlacedLine[];
  readonly direction: Direction;
}

/** A point by how far along the direction of the graph it is, and how far across. */
interface Place {
  readonly along: number;
  readonly across: number;
}

/** Where the boxes of a rank begin and end along the direction. */
interface Rank {
  readonly from: number;
  readonly to: number;
}

/** Straight before and behind states, so that the heads of arrows are. */
const LEAD_PX = 12;
const LOOP_PX = 10;

/**
 * Returns the lines with ways that are straight through the whole of each rank, and lead to a place of their own at a
 * state's side. A rank contains states and texts next to each other, so no line crosses one: lines bend between ranks.
 */
export function routeLines({ boxes, lines, direction }: RouteInput): readonly PlacedLine[] {
  const isRight = direction === "right";
  const toPlace = ({ x, y }: Point): Place => (isRight ? { along: x, across: y } : { along: y, across: x });
  const toPoint = ({ along, across }: Place): Point => (isRight ? { x: along, y: across } : { x: across, y: along });
  const lengthOf = ({ width, height }: Box) => (isRight ? width : height);
  const ranks = findRanks([
    ...boxes.map((box) => ({ middle: toPlace(box).along, half: lengthOf(box) / 2 + LEAD_PX })),
    ...lines.map(({ label }) => ({ middle: toPlace(label).along, half: lengthOf(label) / 2 })),
  ]);
  const rankOf = (along: number): Rank => ranks.get(Math.round(along)) ?? { from: along, to: along };
  const places = new Map(boxes.map((box) => [box.id, box]));
  const ports = findPorts({ boxes: places, lines, toPlace, isRight });
  return lines.map((line, index) => {
    const [from, to] = [places.get(line.from), places.get(line.to)];
    if (from === undefined || to === undefined) return line;
    if (from === to) return { ...line, points: toLoop(from, line.label, direction) };
    const [start, end] = [ports.get(`${index} from`), ports.get(`${index} to`)];
    if (start === undefined || end === undefined) return line;
    const isForward = toPlace(from).along < toPlace(to).along;
    const through = (along: number, across: number): readonly Place[] => {
      const rank = rankOf(along);
      const [near, far] = isForward ? [rank.from, rank.to] : [rank.to, rank.from];
      return [
        { along: near, across },
        { along: far, across },
      ];
    };
    const bends = line.points.slice(1, -1).map(toPlace);
    const way = [
      start,
      ...through(toPlace(from).along, start.across).slice(1),
      ...bends.flatMap(({ along, across }) => through(along, across)),
      ...through(toPlace(to).along, end.across).slice(0, 1),
      end,
    ];
    return { ...line, points: way.map(toPoint) };
  });
}

function findRanks(parts: readonly { readonly middle: number; readonly half: number }[]): ReadonlyMap<number, Rank> {
  const ranks = new Map<number, Rank>();
  for (const { middle, half } of parts) {
    const key = Math.round(middle);
    const { from, to } = ranks.get(key) ?? { from: middle, to: middle };
    ranks.set(key, { from: Math.min(from, middle - half), to: Math.max(to, middle + half) });
  }
  return ranks;
}

interface PortInput {
  readonly boxes: ReadonlyMap<string, Box>;
  readonly lines: readonly PlacedLine[];
  readonly toPlace: (point: Point) => Place;
  readonly isRight: boolean;
}

interface End {
  readonly key: string;
  readonly box: Box;
  /** The side of the box: before or behind it, along the direction. */
  readonly side: -1 | 1;
  /** Where the line goes from here, or comes from. */
  readonly other: number;
}

/** Returns where each line leaves its state and reaches the other one: in the order in which they come to that side. */
function findPorts({ boxes, lines, toPlace, isRight }: PortInput): ReadonlyMap<string, Place> {
  const ends = lines.flatMap(({ from, to, points }, index): readonly End[] => {
    const [start, end] = [boxes.get(from), boxes.get(to)];
    if (start === undefined || end === undefined || start === end) return [];
    const side = toPlace(start).along < toPlace(end).along ? 1 : -1;
    const [first = start, last = end] = [points.at(1), points.at(-2)];
    return [
      { key: `${index} from`, box: start, side, other: toPlace(first).across },
      { key: `${index} to`, box: end, side: side === 1 ? -1 : 1, other: toPlace(last).across },
    ];
  });
  const ports = new Map<string, Place>();
  for (const ofBox of Map.groupBy(ends, ({ box }) => box).values()) {
    for (const group of Map.groupBy(ofBox, ({ side }) => side).values()) {
      for (const [position, { key, box, side }] of group.toSorted((a, b) => a.other - b.other).entries()) {
        const [length, breadth] = isRight ? [box.width, box.height] : [box.height, box.width];
        const { along, across } = toPlace(box);
        ports.set(key, {
          along: along + (side * length) / 2,
          across: across - breadth / 2 + (breadth * (position + 1)) / (group.length + 1),
        });
      }
    }
  }
  return ports;
}

/** Returns a loop from a state around the arrow's text and back. The loops of dagre do not touch their state. */
export function toLoop({ x, y, width, height }: Box, label: Point, direction: Direction): readonly Point[] {
  if (direction === "down") {
    const right = x + width / 2;
    const [above, below] = [y - LOOP_PX, y + LOOP_PX];
    return [
      { x: right, y: above },
      { x: label.x, y: above },
      { x: label.x, y: below },
      { x: right, y: below },
    ];
  }
  const bottom = y + height / 2;
  const [left, right] = [x - LOOP_PX, x + LOOP_PX];
  return [
    { x: left, y: bottom },
    { x: left, y: label.y },
    { x: right, y: label.y },
    { x: right, y: bottom },
  ];
}
