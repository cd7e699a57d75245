import { type ReactNode, useEffect, useRef, useState } from "react";
import { toSafeText } from "../text/safe-text.ts";

interface ScrolledProps {
  readonly label: string;
  /** Its rules bound the size, and let it scroll. */
  readonly className: string;
  readonly as?: "div" | "pre";
  readonly children: ReactNode;
}

/**
 * Renders a text that scrolls if it is too long for its place. Then it takes the focus, so that keys can scroll it
 * (WCAG 2.1.1); a short one is not a stop of the Tab key.
 */
export function Scrolled({ label, className, as: Element = "div", children }: ScrolledProps) {
  const place = useRef<HTMLDivElement & HTMLPreElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const measure = (): void =>
      setScrolls(element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
    // Also after each change of the text.
  });
  return (
    <Element
      ref={place}
      className={className}
      {...(scrolls && { role: "group", tabIndex: 0, "aria-label": toSafeText(label) })}
    >
      {children}
    </Element>
  );
}
