// The commonest phrases of servers that answer in Polish, Czech, Slovak, Hungarian, Romanian, Turkish, Finnish, Dutch
// or a Scandinavian language. Accents do not count.

import type { Rule } from "../rule.ts";

/** Full mailboxes. */
export const FURTHER_MAILBOX_RULES: readonly Rule[] = [
  {
    class: "mailbox",
    reason: "mailbox_full",
    name: "mailbox full (further languages)",
    phrases: [
      "(skrzynka|skrzynce|konto|konta) .. (pełna|pełne|przepełniona|przepełnione)",
      "(schránka|schránky|schránce) .. (plná|přeplněná|preplnená)",
      "(postafiók|postafiókja|tárhely) .. (megtelt|tele|betelt)",
      "(căsuța|cutia|cutie) .. plină",
      "(kutusu|kota|kotası) .. (dolu|doldu|aşıldı|aştı)",
      "(postilaatikko|sähköpostilaatikko) .. täynnä",
      "(mailbox|postvak|postbus|inbox) .. vol",
      "(brevlåda|brevlådan|inkorg|inkorgen|postkassen|indbakken|indbakke|innboksen|innboks) .. (full|fuld|fullt)",
    ],
    example: "552 Skrzynka odbiorcy jest pełna",
    seen: "WP, o2, Seznam, Onet, KPN, Telia",
  },
];

/** The sender's address. */
export const FURTHER_SENDER_RULES: readonly Rule[] = [
  {
    class: "sender",
    reason: "policy",
    name: "the sender (further languages)",
    phrases: [
      "(nadawca|nadawcy|odesílatel|odesílatele|odosielateľ|odosielateľa|feladó|expeditor|expeditorul|expeditorului)",
      "(gönderen|gönderici|göndericinin|lähettäjä|lähettäjän|afzender|afzenders|avsändare|avsändaren|avsändarens)",
      "(afsender|afsenderen|afsenderens|avsender|avsenderen|avsenderens)",
    ],
    example: "550 Nieznany nadawca",
    seen: "WP, Seznam, KPN, Telia",
  },
];

/** Nobody can be reached there. */
export const FURTHER_ADDRESS_RULES: readonly Rule[] = [
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Polish, Czech, Hungarian, Romanian)",
    phrases: [
      "(nieznany|nieprawidłowy|nieistniejący|niepoprawny) (użytkownik|odbiorca|adres|adresat)",
      "(użytkownik|odbiorca|adres|adresat|konto|skrzynka|mailbox) .. (nie istnieje|nieznany|nieaktywne|nieaktywna|usunięte|usunięta)",
      "(użytkownik|odbiorca|adres|adresat|konto|skrzynka) (nie istnieje|nieznany|nieaktywne|nieaktywna)",
      "nie ma takiego (użytkownika|odbiorcy|adresu|adresata|konta)",
      "(neznámý|neexistující|neplatný|neznámy|neexistujúci) (uživatel|příjemce|adresát|užívateľ|používateľ|príjemca)",
      "(uživatel|příjemce|schránka|účet|adresa|adresát|používateľ) .. (neexistuje|nenalezen|nenalezena|neznámý)",
      "(ismeretlen|nem létező|érvénytelen) (felhasználó|címzett|cím)",
      "(felhasználó|címzett|postafiók) nem (létezik|található)",
      "(utilizator|destinatar|utilizatorul|destinatarul|adresa|contul) (necunoscut|necunoscută|inexistent|inexistentă|invalid|nu există)",
    ],
    example: "550 Nieznany odbiorca",
    seen: "WP, o2, Onet, Seznam, Freemail",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Nordic languages, Turkish)",
    phrases: [
      "(okänd|ukendt|ukjent|ogiltig|ugyldig) (mottagare|användare|modtager|bruger|mottaker|bruker|mottagaradress|modtageradresse)",
      "(mottagaren|användaren|modtageren|brugeren|mottakeren|brukeren|adressen|kontot|kontoen|brevlådan|postkassen) .. (finns inte|findes ikke|finnes ikke|eksisterer ikke|existerar inte)",
      "(tuntematon|virheellinen) (vastaanottaja|käyttäjä)",
      "(vastaanottajaa|käyttäjää) ei (ole|löydy|löytynyt)",
      "(kullanıcı|alıcı|hesap) (bulunamadı|yok|mevcut değil|geçersiz)",
      "(böyle bir|geçersiz|bilinmeyen) (kullanıcı|alıcı|hesap)",
    ],
    example: "550 Okänd mottagare",
    seen: "Telia, TDC, Elisa, Turkish hosting providers",
  },
];
