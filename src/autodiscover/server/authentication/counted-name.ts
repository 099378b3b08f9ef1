// The form under which a typed logon name is counted. A directory finds an account under many spellings: Active Directory compares names
// without regard to case, width, kana, marks and characters that show nothing. All of them must be one name here, or each would have a
// budget of its own. What is folded too far shares a budget with a similar name; what is not folded far enough would be another guess.

/** Longest name that is looked at, more than any scheme accepts, and longest form, in characters. */
const LIMITS = { typed: 1024, counted: 256 } as const;

/** Letters, digits and signs that have one spelling but for case. */
const ORDINARY = /^[\x21-\x7e]*$/;
/** Marks, controls, characters that show nothing, and code points nobody has assigned. */
const WITHOUT_WEIGHT = /[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu;
/** Letters that sort as others but do not decompose into them. */
const SORTED_AS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ĸ: 'k',
  ł: 'l',
  ŋ: 'n',
  ŧ: 't',
  þ: 'th',
  ς: 'σ',
};
const SORTED_OTHERWISE = new RegExp(`[${Object.keys(SORTED_AS).join('')}]`, 'g');
/** Hiragana, which lie a fixed distance below the katakana of the same sound. */
const HIRAGANA = /[\u3041-\u3096]/g;
const TO_KATAKANA = 0x60;

/**
 * The same for `alice`, `CONTOSO\alice`, `alice@contoso.test` and their other spellings, and made without asking whether there is such an
 * account, so that counting tells nobody which names exist.
 */
export function countedName(logonName: string): string {
  const folded = ORDINARY.test(logonName) ? logonName.toLowerCase() : fold(logonName.slice(0, LIMITS.typed));
  const afterDomain = folded.slice(folded.lastIndexOf('\\') + 1);
  const at = afterDomain.lastIndexOf('@');
  return (at > 0 ? afterDomain.slice(0, at) : afterDomain).trim().slice(0, LIMITS.counted);
}

function fold(name: string): string {
  return name
    .normalize('NFKD')
    .replace(WITHOUT_WEIGHT, '')
    .toLowerCase()
    .replace(SORTED_OTHERWISE, (letter) => SORTED_AS[letter] ?? letter)
    .replace(HIRAGANA, (kana) => String.fromCharCode(kana.charCodeAt(0) + TO_KATAKANA))
    .normalize('NFKD')
    .replace(WITHOUT_WEIGHT, '')
    .replace(/\s+/g, ' ');
}
