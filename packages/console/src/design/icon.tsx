import {
  ArrowDown,
  ArrowUp,
  Ban,
  Boxes,
  Check,
  ChevronDown,
  ChevronRight,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleMinus,
  CircleParking,
  CirclePause,
  CircleSlash,
  Clock,
  Contrast,
  Copy,
  CornerRightDown,
  Diamond,
  DiamondPlus,
  Ellipsis,
  ExternalLink,
  GitBranch,
  Hourglass,
  type IconNode,
  KeyRound,
  LayoutDashboard,
  LayoutGrid,
  List,
  LockKeyhole,
  MailX,
  Maximize,
  Minus,
  Moon,
  OctagonAlert,
  Package,
  Pencil,
  Play,
  Plus,
  Redo2,
  Rocket,
  RotateCw,
  ScrollText,
  Search,
  SquareArrowDownRight,
  SquareDashed,
  SquareX,
  TriangleAlert,
  Undo2,
  Warehouse,
  X,
} from "lucide";
import { createElement, type ReactNode } from "react";

/** The icons of the console, all of one set (lucide, ISC). A page loads only these. */
const ICONS = {
  // Conditions and outcomes.
  failed: SquareX,
  degraded: SquareArrowDownRight,
  overdue: TriangleAlert,
  stalled: OctagonAlert,
  approval: Diamond,
  busy: Contrast,
  waiting: CirclePause,
  healthy: CircleCheck,
  asleep: Moon,
  removed: SquareDashed,
  deadLetter: MailX,
  rejected: Ban,
  retry: RotateCw,
  queued: Hourglass,
  parked: CircleParking,
  quiet: CircleDot,
  skipped: CircleMinus,
  cancelled: CircleSlash,
  ahead: CircleDashed,
  // Screens.
  overview: LayoutDashboard,
  stacks: Boxes,
  releases: Rocket,
  approvals: DiamondPlus,
  machines: GitBranch,
  artifacts: Package,
  yard: Warehouse,
  audit: ScrollText,
  access: KeyRound,
  // Actions and parts of controls.
  search: Search,
  lock: LockKeyhole,
  remove: X,
  edit: Pencil,
  more: Ellipsis,
  copy: Copy,
  check: Check,
  add: Plus,
  list: List,
  tiles: LayoutGrid,
  open: ExternalLink,
  next: ChevronRight,
  unfold: ChevronDown,
  up: ArrowUp,
  down: ArrowDown,
  clock: Clock,
  play: Play,
  undo: Undo2,
  redo: Redo2,
  less: Minus,
  fit: Maximize,
  turn: CornerRightDown,
} as const satisfies Readonly<Record<string, IconNode>>;

/** One of the console's icons. */
export type IconName = keyof typeof ICONS;

/** Renders an icon inside another drawing, on 24 × 24. */
export function IconShape({ name }: { name: IconName }) {
  return (
    <g fill="none" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" strokeLinejoin="round">
      {toElements(name)}
    </g>
  );
}

/** Renders an icon next to a word, or on a button with a label. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <IconShape name={name} />
    </svg>
  );
}

function toElements(name: IconName): readonly ReactNode[] {
  return ICONS[name].map(([tag, attributes], index) =>
    createElement(tag, {
      ...attributes,
      key: `${tag} ${index}`,
      // Half a disc is seen at 12 px only when it is filled.
      ...(name === "busy" && tag === "path" && { fill: "currentColor" }),
    }),
  );
}
