// The commonest phrases of servers that do not answer in English. Accents do not count, and Japanese, Chinese and Korean
// signs are words of their own.

import type { Rule } from "../rule.ts";

/** Nobody can be reached there. */
export const FOREIGN_ADDRESS_RULES: readonly Rule[] = [
  {
    class: "address",
    reason: "invalid",
    name: "no such user (German, Dutch)",
    phrases: [
      "(benutzer|empfänger|empfaenger|empfängeradresse|empfaengeradresse|postfach|adresse|mailbox|konto|nutzer|teilnehmer|adressat|mailadresse|emailadresse|benutzername) (ist |wurde |)(unbekannt|ungültig|ungueltig|existiert nicht|nicht gefunden|nicht bekannt|nicht vorhanden|nicht existent|gelöscht|geloescht|deaktiviert|stillgelegt|geschlossen|nicht mehr)",
      "(unbekannter|unbekannte|ungültiger|ungueltiger|ungültige|ungueltige|falsche) (benutzer|empfänger|empfaenger|adresse|empfängeradresse|mailadresse|nutzer|mailbox)",
      "(kein|keine) (solcher|solches|solche|gültiger|gueltiger) (benutzer|empfänger|empfaenger|postfach|mailbox|adresse|nutzer)",
      "(existiert nicht|nicht existiert)",
      "(kein|keine) (postfach|mailbox|konto|benutzer)",
      "(onbekende|ongeldige) (gebruiker|ontvanger)",
      "(gebruiker|ontvanger|postvak|mailbox) (onbekend|bestaat niet|niet gevonden)",
      "bestaat niet",
    ],
    example: "550 Das Postfach existiert nicht",
    seen: "German and Dutch hosting providers",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (French)",
    phrases: [
      "(utilisateur|destinataire|adresse|boite|compte|boite aux lettres|adresse mail|boite mail) (est |)(inconnu|inconnue|inexistant|inexistante|invalide|introuvable|n'existe pas|n'existe plus|non trouvé|non valide|erronée|supprimé|supprimée|désactivé|désactivée|fermé|fermée|clos|suspendu|suspendue)",
      "(aucun|aucune) (utilisateur|destinataire|compte|boite|adresse)",
      "(n'existe|n existe) (pas|plus)",
      "n'a pas été (trouvé|trouvée)",
      "adresse .. (invalide|inconnue|inexistante)",
    ],
    example: "550 5.1.1 Destinataire inconnu",
    seen: "Orange (OFR_416), Free, La Poste, SFR, OVH",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Spanish, Portuguese)",
    phrases: [
      "(usuario|destinatario|buzón|cuenta|dirección|casilla|utilizador|conta|endereço|caixa) (desconocido|desconocida|no existe|inexistente|no encontrado|no encontrada|no válido|no válida|inválido|inválida|deshabilitado|deshabilitada|desactivado|desactivada|suspendido|suspendida|cancelada|não existe|não encontrado|não encontrada|desativada|suspensa|eliminada)",
      "(usuario|buzón|cuenta|dirección|conta|endereço|caixa) .. (desconocido|no existe|no encontrada|deshabilitada|desactivada|suspendida|não existe|não encontrado|desativada|suspensa|no válida|inválido|inválida)",
      "(no|não) existe (el|la|o|este|esta|ese|esa) (usuario|destinatario|buzón|cuenta|dirección|utilizador|conta|endereço)",
      "(no existe|não existe)",
      "(desconhecido|inexistente|desconocido)",
    ],
    example: "550 El usuario no existe",
    seen: "Telefónica, Terra, UOL, Locaweb, cPanel in Spanish",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Italian)",
    phrases: [
      "(utente|destinatario|casella|indirizzo|casella di posta|account) (mail |di posta |è |)(sconosciuto|sconosciuta|inesistente|non esiste|non trovato|non trovata|non valido|non valida|non attivo|non attiva|disabilitato|disabilitata|disattivato|disattivata|disattiva|sospeso|sospesa|cancellato|cancellata|chiusa|scaduta|bloccata)",
      "(non esiste|non esistente)",
      "(nessun|nessuna) (utente|casella)",
    ],
    example: "550 Casella di posta inesistente",
    seen: "Libero, Aruba, TIM",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Russian)",
    phrases: [
      "(пользователь|получатель|адрес|ящик|почтовый ящик|адресат|учетная запись|аккаунт|домен) (получателя |)(не найден|не найдена|не существует|неизвестен|неизвестный|отсутствует|отключен|отключена|удален|удалена|заблокирован|заблокирована|недействителен|неверный|недоступен)",
      "(нет такого|нет такой|неизвестный|несуществующий|неверный|такого) (пользователя|адреса|ящика|пользователь|получатель|адрес|получателя|адресата|почтового)",
      "(не существует|нет такого пользователя)",
      "(takogo|net takogo) (polzovatelya|polzovatela|yashchika|adresa)",
      "(polzovatel|poluchatel|yashchik|adres) (ne|nye) (najden|naiden|nayden|sushchestvuet|suschestvuet)",
    ],
    example: "550 Нет такого пользователя",
    seen: "mail.ru, Yandex, Rambler, i.ua",
  },
  {
    class: "address",
    reason: "invalid",
    name: "no such user (Japanese, Chinese, Korean)",
    phrases: [
      "(存在しません|存在しない|宛先不明|あて先不明|宛先が見つかりません|見つかりません|該当するユーザ|該当者|ユーザー不明|ユーザ不明|宛先がありません|登録されていません|使われておりません)",
      "(不存在|无此用户|查无此人|沒有這個|無此使用者|無此用戶|用户未找到|收件人无效|无效的收件人|地址错误|無此帳號|找不到|已注销|已停用|被禁用|账号异常)",
      "(존재하지않|존재하지 않|수신자를 찾을 수|사용자가 없|없는 사용자|없는사용자|휴면|탈퇴)",
    ],
    example: "550 宛先のメールアドレスは存在しません",
    seen: "Docomo, KDDI, QQ, NetEase, Naver",
  },
];

/** Full mailboxes. */
export const FOREIGN_MAILBOX_RULES: readonly Rule[] = [
  {
    class: "mailbox",
    reason: "mailbox_full",
    name: "mailbox full (other languages)",
    phrases: [
      "(postfach|mailbox|konto|speicherplatz|posteingang|kontingent|quota) .. (voll|überfüllt|ueberfuellt|erschöpft|erschoepft|überschritten|ueberschritten|belegt)",
      "(postfach|mailbox|speicherplatz|kontingent) (voll|überfüllt|erschöpft|überschritten)",
      "(volles|überfülltes) (postfach|konto)",
      "(boite|boîte|bote|mailbox|compte) .. (pleine|plein|saturée|saturee)",
      "(boite|boîte|bote|compte) (pleine|saturée)",
      "(destinataire|lettres) .. pleine",
      "(quota|espace) .. (dépassé|depasse|insuffisant|atteint)",
      "(quota|espace) (dépassé|insuffisant|atteint)",
      "(buzón|casilla|cuenta|bandeja|correo) .. (lleno|llena|llenos)",
      "(buzón|casilla|cuenta|bandeja) (lleno|llena)",
      "(cuota|espacio|cota|quota|limite) .. (excedida|excedido|superada|superado|agotado|insuficiente|superato|superata|excedeu|ultrapassada)",
      "(cuota|espacio|cota|quota) (excedida|superada|agotada|insuficiente)",
      "(casella|posta) .. (piena|satura)",
      "(casella|caixa) (piena|cheia)",
      "(caixa|conta|correio) .. (cheia|lotada)",
      "(ящик|квота|почтовый) .. (переполнен|превышена|заполнен)",
      "(переполнен|превышена квота|квота превышена)",
      "(いっぱい|一杯です|容量超過|容量を超|容量オーバー|満杯|邮箱已满|邮箱空间已满|信箱已滿|信箱已满|空间不足|空間不足|已满|已滿|용량|가득)",
    ],
    example: "552 Das Postfach des Empfängers ist voll",
    seen: "GMX, Orange (OFR_417), Libero, Terra, mail.ru, Docomo, QQ, Naver",
  },
];

/** Refusals of the sender, the content or the rate. */
export const FOREIGN_SENDER_RULES: readonly Rule[] = [
  {
    class: "sender",
    reason: "policy",
    name: "the sender (other languages)",
    phrases: [
      "(ihre|votre|su|tu|tuo|suo|seu|sua|ваш|вашего|ваша|ваше) (domain|domaine|dominio|domínio|ip|adresse ip|dirección ip|indirizzo ip|endereço ip|server|serveur|servidor|адрес|домен|сервер)",
      "ip (gesperrt|bloquée|bloqueada|bloqueado|bloccato|bloccata|заблокирован)",
      "(l'expéditeur|émetteur|送信者|送信ドメイン|发件人|發件人|寄件人|寄件者|发信人|보낸 사람|보낸사람)",
      "(absender|absenderadresse|expéditeur|emisor|remitente|remetente|mittente|отправитель|отправителя|отправителю)",
      "(zugriff|zugang|verbindung|annahme) .. (verweigert|abgelehnt|gesperrt|untersagt)",
      "(zugriff|zugang|annahme) (verweigert|abgelehnt|gesperrt)",
      "(accès|connexion|message|messages) (est |)(rejeté|interdit|bloqué|rejetés|bloqués|non autorisé)",
      "(accès|connexion) (est |)refusé",
      "(acceso|conexión|mail|correo|mensaje|mensagem|messaggio|acesso) (está |)(denegado|rechazado|rechazada|bloqueado|prohibido|rejeitada|rejeitado|recusada|negado|respinto|rifiutato|bloccato)",
      "(доступ|соединение|письмо|сообщение|почта) (запрещен|запрещено|отклонено|отклонена|заблокировано|не принято|отвергнуто)",
      "(送信元|差出人|受信拒否|拒否され|拒否しました|拒绝|拒絕|被拒|黑名单|黑名單|발신|차단|스팸)",
      "(sperrliste|blockliste|schwarze liste|gesperrt|liste noire|lista negra|lista nera|черный список|черном списке)",
      "(richtlinie|richtlinien|política|politique|criteri|политика|политикой)",
    ],
    example: "550 Der Absender ist auf einer Sperrliste",
    seen: "GMX, T-Online, Orange, Libero, mail.ru, Docomo, QQ",
  },
  {
    class: "content",
    reason: "content",
    name: "spam and size (other languages)",
    phrases: [
      "(unerwünscht|unerwünschte|werbung|spamverdacht|indésirable|indesirable|pourriel|correo basura|no deseado|indesiderata|indesejado|спам|спама|спамом|нежелательная|垃圾邮件|垃圾郵件|迷惑メール)",
      "(nachricht|mail|message|mensaje|messaggio|mensagem|anhang) .. (zu groß|zu gross|trop volumineux|trop grand|trop gros|demasiado grande|troppo grande|muito grande)",
      "(zu groß|zu gross|trop volumineux|demasiado grande|troppo grande|muito grande|слишком большой|слишком большое|слишком велико|サイズが大き|太大|过大|過大)",
      "(вирус|вирусы|virenverdacht|内容被拒绝)",
    ],
    example: "554 Письмо похоже на спам",
    seen: "GMX, Orange, Libero, mail.ru, Yandex, QQ",
  },
  {
    class: "rate",
    reason: "reputation",
    name: "too much at once (other languages)",
    phrases: [
      "(zu viele|trop de|demasiados|demasiadas|troppi|troppe|muitas|muitos|слишком много|превышен лимит|превышено количество) (nachrichten|verbindungen|empfänger|messages|mail|connexions|destinataires|connexion|mensajes|conexiones|destinatarios|connessioni|messaggi|destinatari|conexões|mensagens|писем|сообщений|соединений|получателей|отправленных)",
      "(过于频繁|превышен лимит|частота|发送频率|頻率|频率|频率限制|送信数|短時間)",
    ],
    example: "421 Trop de connexions, veuillez patienter",
    seen: "Orange (OFR_104), Free, mail.ru, Yandex, QQ, Docomo",
  },
];

/** A moment's trouble. */
export const FOREIGN_PASSING_RULES: readonly Rule[] = [
  {
    class: "passing",
    reason: "technical",
    name: "later (other languages)",
    phrases: [
      "(später|spaeter|vorübergehend|voruebergehend|plus tard|réessayer|temporairement|temporaire|más tarde|mas tarde|temporalmente|temporal|più tardi|temporaneamente|temporaneo|mais tarde|temporariamente|позже|временно|временная|しばらく|後ほど|稍后|稍後|一時的|暂时)",
    ],
    example: "451 Bitte versuchen Sie es später noch einmal",
    seen: "GMX, Orange, Libero, mail.ru, Docomo",
  },
];
