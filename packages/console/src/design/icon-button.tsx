import { Button, type ButtonProps } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

interface IconButtonProps extends Pick<ButtonProps, "onPress" | "refusal" | "idle" | "pressed"> {
  readonly icon: IconName;
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
