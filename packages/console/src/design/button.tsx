import { defined } from "@stackyard/core";
import { type ReactNode, useId, useRef, useState } from "react";
import { Button as AriaButton, Tooltip, TooltipTrigger } from "react-aria-components";
import { toSafeText } from "../text/safe-text.ts";
import { Icon } from "./icon.tsx";

/** The look of a button. */
export interface ButtonProps {
  readonly children: ReactNode;
  /** While what it returns is pending, further presses do nothing, such as that of a double click. */
  readonly onPress?: () => void | Promise<void>;
  readonly look?: "primary" | "danger" | "plain";
  /** Why it cannot be pressed now. The button stays focusable and shows the reason. */
  readonly refusal?: string | undefined;
  /** Why it would do nothing now, such as that the state is the first. As `refusal`, but dimmed in place of a lock. */
  readonly idle?: string | undefined;
  readonly label?: string;
  readonly type?: "submit" | "button";
  readonly autoFocus?: boolean;
  /** True for a switch that is on. */
  readonly pressed?: boolean;
  /** The key that presses it. */
  readonly shortcut?: string;
}

/** Renders a button. Actions are never hidden: a disabled one explains why. */
export function Button({ shortcut, ...props }: ButtonProps) {
  const button = <PlainButton {...props} />;
  return shortcut === undefined ? button : <span data-shortcut={shortcut}>{button}</span>;
}

function PlainButton(props: Omit<ButtonProps, "shortcut">) {
  const { children, onPress, look, refusal, idle, label, type = "button", autoFocus, pressed } = props;
  const className = look === undefined ? "button" : `button ${look}`;
  const { press, working } = useOnePress(onPress);
  const why = refusal ?? working ?? idle;
  const refused = why !== undefined;
  const reason = useId();
  const button = (
    <AriaButton
      className={className}
      type={refused ? "button" : type}
      {...(onPress !== undefined && !refused && { onPress: () => void press() })}
      {...(label !== undefined && { "aria-label": toSafeText(label) })}
      {...(refused && { "aria-disabled": true, "aria-describedby": reason })}
      {...(refused && refusal === undefined && working === undefined && { "data-idle": true })}
      {...(autoFocus && { autoFocus })}
      {...defined({ "aria-pressed": pressed })}
    >
      {(refusal ?? working) !== undefined && <Icon name="lock" size={14} />}
      {children}
    </AriaButton>
  );
  return (
    // The same parts whether it is refused or not: one that is refused while it works keeps the focus.
    <TooltipTrigger delay={150} closeDelay={0} isDisabled={!refused}>
      {button}
      {refused && (
        <>
          <Tooltip className="tooltip" offset={4}>
            {why}
          </Tooltip>
          <span id={reason} hidden>
            {why}
          </span>
        </>
      )}
    </TooltipTrigger>
  );
}

/** Runs one press at a time. */
function useOnePress(onPress: ButtonProps["onPress"]) {
  const isWorking = useRef(false);
  const [working, setWorking] = useState<string>();
  const press = async () => {
    if (isWorking.current) return;
    const pending = onPress?.();
    if (pending === undefined) return;
    isWorking.current = true;
    setWorking("Working");
    try {
      await pending;
    } finally {
      isWorking.current = false;
      setWorking(undefined);
    }
  };
  return { press, working };
}
