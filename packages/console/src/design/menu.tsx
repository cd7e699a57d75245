import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import "./menu.css";

/**
 * Renders a button that opens a small menu of links and buttons. It closes by Escape, by a press outside, and by
 * following a link; the focus is then at the button again. Items that close it themselves are a part of the page also
 * while it is closed, so that the search finds them.
 */
export function Menu({ label, face, children, className = "button plain" }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    root.current?.querySelector<HTMLElement>(".menu-items :is(a, button)")?.focus();
    const onPress = ({ target }: PointerEvent) => {
      if (target instanceof Node && !root.current?.contains(target)) setOpen(false);
    };
    addEventListener("pointerdown", onPress);
    return () => removeEventListener("pointerdown", onPress);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    // A dialog that opens now returns the focus to the button.
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    close();
  };
  const staysInPage = typeof children === "function";
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the keys of what it contains
    <div className="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        ref={button}
        className={className}
        aria-label={label}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {face}
      </button>
      {(isOpen || staysInPage) && (
        // biome-ignore lint/a11y/noStaticElementInteractions: links inside are pressed
        // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on a link is a click too
        <div
          className="menu-items"
          hidden={!isOpen}
          onClick={({ target }) => {
            if (target instanceof Element && target.closest("a") !== null) setOpen(false);
          }}
        >
          {staysInPage ? children(close) : children}
        </div>
      )}
    </div>
  );
}

interface MenuProps {
  readonly label: string;
  /** The content of the button. */
  readonly face: ReactNode;
  readonly children: ReactNode | ((close: () => void) => ReactNode);
  readonly className?: string;
}
