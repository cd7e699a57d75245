import type { MainCondition } from "@stackyard/sdk";
import { type MachineCounts, NEEDS_PERSON, needyOf, sumOf } from "../api/use-main-conditions.ts";
import { IconShape } from "../design/icon.tsx";
import { TextLink, useGo } from "../design/links.tsx";
import { CONDITIONS, iconOf, toneOf, wordOf } from "../design/mark.tsx";
import { arrangeBlocks, toBlocks } from "./arrange-blocks.ts";

const CELL = 16;
const SIZE = 13;
/** Blocks of one drawing; with more stacks, a block represents several. */
const MOST_BLOCKS = 600;
const MOST_MACHINES = 12;

/** Renders the yard: for each machine a block a stack, worst first. Trouble is filled; what is at rest is tinted. */
export function YardBlocks({ machines }: { machines: readonly MachineCounts[] }) {
  const total = machines.reduce((sum, machine) => sum + machine.total, 0);
  const perBlock = Math.max(1, Math.ceil(total / MOST_BLOCKS));
  const rest = machines.length - MOST_MACHINES;
  return (
    <div className="overview-yard">
      {machines.slice(0, MOST_MACHINES).map((machine) => (
        <MachineBlocks key={machine.machine} machine={machine} perBlock={perBlock} />
      ))}
      {(perBlock > 1 || rest > 0) && (
        <p className="muted small">
          {perBlock > 1 && `Each block represents ${perBlock} stacks and shows the worst. `}
          {rest > 0 && `${rest} more machines are not drawn.`}
        </p>
      )}
    </div>
  );
}

function MachineBlocks({ machine: { machine, total, counts }, perBlock }: BlocksProps) {
  const go = useGo();
  const needy = needyOf(counts, ...NEEDS_PERSON);
  const blocks = toBlocks(counts, perBlock);
  const { columns, rows } = arrangeBlocks(blocks.length);
  const words = CONDITIONS.filter((each) => sumOf(counts, each) > 0).map(
    (each) => `${sumOf(counts, each)} ${wordOf(each)}`,
  );
  return (
    <figure>
      <figcaption>
        <TextLink path="/stacks" search={{ machine }} className="name" text={machine} />
        <span className="muted">
          {total.toLocaleString("en")}
          {needy > 0 && ` · ${needy} ${needy === 1 ? "needs" : "need"} attention`}
        </span>
      </figcaption>
      <svg
        role="img"
        aria-label={words.join(", ")}
        viewBox={`0 0 ${columns * CELL} ${rows * CELL}`}
        width={columns * CELL}
        height={rows * CELL}
      >
        {blocks.map((condition, index) => {
          const place = `translate(${Math.floor(index / rows) * CELL} ${(index % rows) * CELL})`;
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the figures and the list are the keyboard's way
            <g
              key={place}
              className={`block tone-${toneOf(condition)}`}
              transform={place}
              onClick={() => go("/stacks", { machine, is: condition })}
            >
              <Block condition={condition} />
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

interface BlocksProps {
  readonly machine: MachineCounts;
  readonly perBlock: number;
}

const SOLID: ReadonlySet<MainCondition> = new Set([...NEEDS_PERSON, "busy", "waiting"]);

function Block({ condition }: { condition: MainCondition }) {
  const isTrouble = NEEDS_PERSON.some((each) => each === condition);
  return (
    <>
      <title>{wordOf(condition)}</title>
      <rect
        x="0.5"
        y="0.5"
        width={SIZE - 1}
        height={SIZE - 1}
        rx="3"
        className={SOLID.has(condition) ? "solid" : "rest"}
      />
      {isTrouble && (
        <g className="block-shape" transform="translate(1.7 1.7) scale(0.4)">
          <IconShape name={iconOf(condition)} />
        </g>
      )}
    </>
  );
}
