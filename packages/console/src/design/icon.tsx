import { Button, type ButtonProps } from "./button.tsx";

/** Drawn on 16 × 16, so that no font needs to have them. */
const SHAPES = {
  remove: "m4 4 8 8m0-8-8 8",
  edit: "M3 13v-2.5L10.5 3 13 5.5 5.5 13zM9 4.5 11.5 7",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  check: "m3 8.5 3.5 3.5L13 4.5",
} as const;

/** Renders the icon on a button, which also has a label or a word. */
export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}

interface IconButtonProps extends Pick<ButtonProps, "onPress" | "refusal" | "pressed"> {
  readonly icon: keyof typeof SHAPES;
  readonly label: string;
}

/** Renders a button without words; its label says what it does. */
export function IconButton({ icon, ...button }: IconButtonProps) {
  return (
    <Button look="plain" {...button}>
      <Icon name={icon} />
    </Button>
  );
}
