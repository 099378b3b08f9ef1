// What is rendered from a result alone is rendered once, and kept as long as the result itself: results are immutable and handed out
// again for the same mailbox. Nothing here has an age.

export class KeptDocuments<T extends object, D> {
  readonly #kept = new WeakMap<T, Map<string, D>>();
  readonly #maxVariants: number;

  /** Keeps so many variants of each subject; further ones are rendered each time. */
  constructor(maxVariants: number) {
    this.#maxVariants = maxVariants;
  }

  of(subject: T, variant: string, render: () => D): D {
    const variants = this.#kept.get(subject) ?? new Map<string, D>();
    const known = variants.get(variant);
    if (known !== undefined) return known;
    const document = render();
    if (variants.size < this.#maxVariants) this.#kept.set(subject, variants.set(variant, document));
    return document;
  }
}
