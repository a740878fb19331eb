# ruff: noqa: E501 (replies stand on one line)
"""Replies as people write them, in five languages: what asks for no more mail, and what only sounds so."""

import pytest

from gateway.ledger.autoreply import asks_to_stop, newest_text
from gateway.ledger.wishes import besides_sales
from gateway.message.content import Content
from gateway.reading.read import Reader

STOPS = """
it|Buongiorno, ho cambiato lavoro e non seguo più questi temi: toglietemi pure.
it|Grazie del pensiero e complimenti per il libro. Però le chiedo la cortesia di non scrivermi più.
it|Gentile Elena, apprezzo lo stile ma preferirei non ricevere altre email. Buon lavoro!
it|Vi prego di cancellare il mio nominativo dai vostri archivi.
it|ai sensi dell'art. 21 del GDPR mi oppongo al trattamento dei miei dati
it|Con la presente esercito il diritto di opposizione.
it|Il mio numero è iscritto al Registro delle Opposizioni.
it|Vi diffido dal contattarmi nuovamente.
it|Diffida: cessate ogni invio al sottoscritto.
it|Complimenti, è la quinta mail in due settimane. Vi siete guadagnati un posto nello spam.
it|Vi ho segnalati come spam.
it|La decima mail? Avete già stancato, basta così.
it|È la terza volta che vi chiedo di cancellarmi.
it|Ve l'ho già chiesto due volte: niente più messaggi.
it|Per cortesia non mi contatti oltre.
it|Non fatevi più sentire.
it|Perdete il mio indirizzo, grazie.
it|Si dimentichi di questo indirizzo.
it|non voglio più sentirvi
it|Potete anche smettere di scrivermi.
it|La pregherei di non inviare altro materiale.
it|Mi lasci fuori dai suoi invii, per favore.
it|toglieteci dalla vostra lista
it|Può rimuovermi dai suoi contatti?
it|potresti togliermi dalla lista? grazie mille, Anna
it|Chiedo di essere rimosso.
it|Chiedo la cancellazione del mio indirizzo.
it|Vogliate cancellare i miei dati dal vostro archivio.
it|Non desidero essere ricontattata.
it|Non intendo ricevere altre comunicazioni commerciali da voi.
it|Smetta di scrivere a questo indirizzo.
it|Questo indirizzo non va più usato per le vostre comunicazioni.
it|Non mandatemi più nulla. Grazie.
it|Gentilmente eliminatemi
it|disiscrivermi
it|Come ci si cancella da queste mail?
it|Che questa sia l'ultima mail, per favore.
it|Astenetevi da ulteriori contatti.
it|Adesso basta con queste mail!
it|Mi avete stufato, cancellate il mio contatto.
it|Non ho mai dato il consenso a ricevere queste mail.
it|Revoco il consenso al trattamento dei dati.
it|Le blocco il mittente, buona giornata.
it|Escludetemi dalle prossime comunicazioni.
it|Bella mail, davvero. Ma per me anche basta: non scriva più.
it|Chi le ha dato il mio indirizzo? Lo cancelli subito.
en|Please lose my address.
en|Lovely note, thank you, and good luck with the launch. Could you take me off the list though?
en|I've changed jobs and this isn't my field any more, so please drop me from your sequence.
en|Kindly remove this address from all future mailings.
en|I'd rather not hear from you again.
en|I'd prefer not to get any more of these.
en|I would appreciate it if you stopped writing to me.
en|I'd be grateful if you didn't contact me again.
en|Pursuant to Article 21 GDPR I object to the processing of my personal data for direct marketing.
en|I hereby exercise my right to object.
en|This is a formal request under Art. 17 GDPR to erase my data.
en|Add me to your do-not-contact list.
en|Put us on your suppression list please.
en|Congratulations, email number seven. What part of no do you not understand?
en|Wow, you're persistent. Take the hint.
en|How many times do I have to ask you to take me off this?
en|This is the third time I've asked to be removed.
en|Last time I'm asking: stop.
en|Enough with the emails.
en|Enough. No more.
en|Make it stop.
en|Please make these emails stop.
en|I want off this list.
en|get me off this thing
en|Blocked and reported.
en|Marked as spam.
en|I'm blocking this sender.
en|I'll be reporting this to the ICO if it continues.
en|Feel free to take me off your list.
en|You can remove me, thanks.
en|Please don't include me in future mailings.
en|Leave me out of future campaigns please.
en|Please let this be the last email.
en|Forget you ever had this address.
en|No need to email me again.
en|pls rmv me
en|unsuscribe
en|stoppp
en|STOP!!! I mean it
en|Not interested, now or ever. Delete me.
en|We do not accept unsolicited emails, please remove our company.
en|I'm not your customer and never will be. Stop this.
en|Remove.
en|Please have my details deleted from your CRM.
en|Don't ever contact this address again.
en|You don't have my permission to email me.
en|I never gave you permission to contact me.
en|Do not reply to this. Do not write again.
de|Nehmen Sie mich bitte aus dem Verteiler.
de|Bitte nehmen Sie mich von der Liste.
de|Könnten Sie mich bitte aus Ihrer Datenbank streichen?
de|Schreiben Sie mir bitte nicht mehr.
de|Bitte schreiben Sie mir nicht mehr.
de|Ich möchte keine weiteren Nachrichten von Ihnen erhalten.
de|Ich möchte nicht mehr kontaktiert werden.
de|Hiermit widerspreche ich der Verwendung meiner Daten zu Werbezwecken.
de|Widerspruch nach Art. 21 DSGVO
de|Ich verlange die Löschung meiner Daten gemäß DSGVO.
de|Bitte löschen Sie meine Kontaktdaten.
de|Lasst mich in Ruhe
de|Hör auf mir zu schreiben
de|Bitte sehen Sie von weiteren Mails ab.
de|Unterlassen Sie weitere Kontaktversuche.
de|Verschonen Sie mich mit Ihren Angeboten.
de|trag mich bitte aus
de|Wie kann ich mich hier abmelden?
de|Bitte melden Sie mich ab.
de|Danke für die nette Mail, aber streichen Sie mich bitte von Ihrer Liste.
de|Das ist jetzt die fünfte Mail. Es reicht.
de|Sie landen ab jetzt im Spam-Ordner.
de|Vergessen Sie meine Adresse.
de|Kein Bedarf, bitte keine weiteren Anfragen.
de|Ich wünsche keinen weiteren Kontakt.
de|Rufen Sie mich nicht mehr an und mailen Sie mir nicht mehr.
de|Senden Sie mir bitte nichts mehr zu.
de|Bitte entfernt unsere Firma aus eurer Liste.
de|Ich habe nie eingewilligt. Bitte keine Mails mehr an diese Adresse.
de|Ich arbeite nicht mehr dort, bitte löschen Sie mich.
fr|Je ne souhaite plus recevoir vos messages.
fr|Je ne souhaite pas être recontacté.
fr|Merci de me retirer de votre liste de diffusion.
fr|Veuillez supprimer mon adresse de vos fichiers.
fr|Merci pour votre message, très bien écrit, mais merci de ne plus m'écrire.
fr|Arrêtez de m'envoyer des mails.
fr|Pourriez-vous cesser vos relances ?
fr|Inutile de me relancer.
fr|Désinscrivez-moi svp
fr|enlevez moi de la liste
fr|Je m'oppose au traitement de mes données, article 21 du RGPD.
fr|J'exerce mon droit d'opposition.
fr|Je demande l'effacement de mes données personnelles.
fr|Je vais saisir la CNIL si cela continue.
fr|Mon numéro est inscrit sur Bloctel.
fr|Oubliez-moi.
fr|Oubliez mon adresse, merci.
fr|Ça suffit maintenant, plus aucun message.
fr|Bravo, septième relance. Vous finissez dans les spams.
fr|Lâchez-moi avec vos mails.
fr|N'insistez pas.
fr|Comment se désabonner ?
fr|Je voudrais ne plus figurer dans votre base.
fr|J'ai changé de poste, vous pouvez me supprimer.
fr|Rayez-moi de votre liste.
fr|Ne me sollicitez plus.
fr|Prière de ne plus me contacter à cette adresse.
fr|Je retire mon consentement.
fr|Abstenez-vous de tout nouveau contact.
fr|Je n'ai jamais donné mon accord pour recevoir vos mails.
es|Por favor, no me escriban más.
es|No deseo recibir más información.
es|Prefiero no recibir más correos, gracias.
es|Denme de baja de su lista.
es|Quiero que me borren de su base de datos.
es|Le agradecería que dejara de escribirme.
es|Les ruego que no vuelvan a contactarme.
es|Ejerzo mi derecho de oposición.
es|Me opongo al tratamiento de mis datos, artículo 21 RGPD.
es|Solicito la supresión de mis datos.
es|Estoy en la Lista Robinson.
es|Sáquenme de la lista
es|Ya basta de correos.
es|Pare de mandarme mensajes.
es|Olvídese de mi correo.
es|Déjeme en paz.
es|¿Cómo me doy de baja?
es|Gracias por su mensaje, muy amable, pero bórreme de sus contactos.
es|Enhorabuena, van directos al spam.
es|Ni un correo más, por favor.
es|Ya no trabajo ahí, elimíneme de su lista.
es|Retiro mi consentimiento.
es|No autorizo el uso de mis datos.
es|Absténganse de contactarme.
es|No quiero saber nada más de ustedes.
es|Cancele mi suscripción.
es|Que sea la última vez que me escribe.
es|Voy a denunciarlos a la AEPD.
es|Le he bloqueado.
es|No nos envíen más publicidad.
it|Salve, il dott. Ferri è in pensione da giugno, vi pregherei di aggiornare la lista ed eliminare questo contatto.
it|ma chi siete? non mi sono mai iscritta a nulla, levatevi di torno
it|No guardi, proprio no. E per favore che sia l'ultima volta.
it|Buongiorno, leggo sempre volentieri ma ricevo troppe mail: preferisco interrompere qui l'invio. Grazie e buon lavoro.
it|Mi può depennare dall'elenco? Non ho tempo di leggere.
it|Non è la prima volta che lo chiedo: via il mio indirizzo dai vostri sistemi.
it|Per cortesia provvedete alla rimozione immediata del mio contatto.
it|nn scrivermi +
it|Ma basta!!! Che stress
it|Vi invito a non contattarmi ulteriormente.
it|Gentile dottoressa, la ringrazio ma non desidero instaurare alcun rapporto; la invito a non utilizzare oltre il mio indirizzo.
it|Ogni ulteriore messaggio verrà considerato molestia.
it|I miei dati personali vanno cancellati entro 30 giorni come prevede la legge.
it|Ho già detto di no, smettiamola qui.
it|che palle ste mail, toglimi va
it|Può evitare di scrivermi? Grazie
it|Ritengo concluso qui il nostro scambio, non mi invii altro.
it|Siete pregati di non disturbare più.
it|Non ho richiesto queste comunicazioni e non intendo riceverne.
it|Cancellatemi dal vostro archivio clienti, ho chiuso la partita iva.
it|Dimenticatemi.
it|non rompere
it|e mo basta
it|Le sarei grata se volesse togliere il mio nome dalla sua rubrica.
en|Nice try. Unsubscribe me before I unsubscribe you from my inbox permanently.
en|Hi Tom, appreciate the effort you put in. I get forty of these a week and I'm cutting down, so I'd ask you not to write again. Best of luck!
en|Who gave you this address? Whoever it was, scrub it.
en|Not for me. Please don't keep emailing.
en|this mailbox isn't for sales. remove
en|I retired in May and no longer want work mail. Would you mind deleting my contact?
en|Thanks, but please consider this my opt-out.
en|We ask that you cease all contact with our staff.
en|You've been told. Do one.
en|Any further emails will be treated as harassment.
en|I'm out. Please close my file.
en|Could you kindly ensure I'm not on any of your lists going forward? Thanks so much.
en|no more thx
en|Seriously, stop.
en|Sorry, I don't do cold email. Please respect that and don't come back.
en|Dear Sir, I require you to erase the personal data you hold concerning me and confirm in writing.
en|Please respect my privacy and refrain from further contact.
en|I do not consent to marketing.
en|Kindly discontinue.
en|Hope all goes well with the shop. Would prefer not to be on the list any more x
en|who is this? wrong number, dont text again
en|Please take this as a request under the GDPR to stop processing my data.
en|Off the list please!
en|Thanks but no thanks, and please don't follow up.
de|Sehr geehrte Frau Lang, vielen Dank für Ihr Interesse. Bitte sehen Sie künftig davon ab, mich anzuschreiben.
de|Bin nicht mehr im Unternehmen, Adresse bitte löschen.
de|Ich bitte um Streichung aus Ihrem Verteiler.
de|Was soll das? Ich kenne Sie nicht. Finger weg von meiner Adresse.
de|Bitte keine weitere Kontaktaufnahme.
de|Ich möchte von Ihnen nicht mehr angeschrieben werden.
de|Raus aus dem Verteiler bitte!
de|Keine Mails mehr, danke.
de|Ich habe kein Interesse und bitte Sie, meine Daten zu löschen.
de|Nehmt mich da raus, danke!
de|Ich verbiete Ihnen, mich weiter zu kontaktieren.
de|Unerwünschte Werbung ist nach § 7 UWG verboten.
de|Schön geschrieben! Trotzdem: bitte nicht wieder schreiben.
de|nerv nicht
de|Auf Ihre Mails kann ich gut verzichten.
fr|Merci de bien vouloir me retirer de vos envois.
fr|J'ai quitté la société en mars, merci d'effacer cette adresse.
fr|Votre démarche est sympathique mais je vous demanderais de ne pas insister et de m'ôter de la liste.
fr|stop svp
fr|Foutez-moi la paix
fr|Je vous prie de cesser tout envoi.
fr|Conformément au RGPD, je vous demande de supprimer mes données.
fr|Plus de sms svp
fr|je ne veux plus de vos mails
fr|Je vous ai déjà demandé trois fois de me désinscrire...
fr|Merci d'arrêter.
fr|Ne me dérangez plus.
fr|Je préfère que vous ne m'écriviez plus.
fr|Veuillez noter mon refus de toute prospection.
es|Quisiera darme de baja, gracias.
es|Por favor quítame de tu lista, ya no trabajo en eso.
es|No me mandes más nada porfa
es|Le pido que no me contacte de nuevo.
es|Ya les dije que no. Dejen de insistir.
es|Eliminen mi número.
es|No más mensajes.
es|Exijo que borren mis datos conforme al RGPD.
es|Muy buena propuesta pero no quiero recibir este tipo de correos.
es|Que pesados, dejadme en paz
es|No vuelvas a escribirme.
es|Agradezco su mensaje, sin embargo les solicito no enviarme más comunicaciones.
es|Me jubilé, sáqueme de su agenda por favor.
es|Borrar mis datos.
es|Bloqueado.
de|Ich melde mich hiermit vom Newsletter ab.
de|Bitte melden Sie sich nicht wieder bei mir.
de|Bitte alle meine alten Daten löschen.
en|Do you know article 21 GDPR? Remove me.
it|Cessate ogni invio al mio indirizzo.
it|Senza il mio consenso non potete scrivermi: cancellatemi.
"""

OTHERS = """
it|Interrompete la consegna del bancale 4, per favore.
it|Mi tolga una curiosità: quanto costa?
it|Toglimi un dubbio, ci vediamo giovedì?
it|Non mi scriva prima di lunedì, sono in ferie.
it|Per ora no, grazie. Mi riscriva a settembre.
it|No, grazie, abbiamo già un fornitore.
it|Cancellate la riunione di domani, la spostiamo a venerdì.
it|Mi cancelli pure l'ordine di ieri e lo rifaccia con due pezzi in più.
it|Non smetto di pensare alla vostra proposta, sentiamoci!
it|Non mi occupo io di questo, scriva alla collega Bianchi.
it|Basta che mi mandi la fattura.
it|Basta una telefonata e ci mettiamo d'accordo.
it|Il pulsante stop della macchina non funziona, potete mandare un tecnico?
it|Vi chiedo di rimuovere il logo vecchio dalla locandina.
it|Non ho ancora ricevuto la vostra mail di conferma.
it|Non vi ho più scritto perché ero malata. Mandatemi pure il preventivo.
it|Può togliere Marco dalla lista degli invitati? Io ci sono.
it|Come si fa a cancellare una prenotazione?
it|Sì, mi interessa. Non mandatemi il PDF, meglio il link.
it|Non voglio ricevere la fattura cartacea, va bene in PDF.
it|L'articolo 21 del contratto parla di penali, ne parliamo?
it|Abbiamo bloccato l'ordine in attesa del bonifico.
it|Ho trovato la vostra mail nello spam, scusi il ritardo!
it|Ci siamo dimenticati di lei, mi scusi. Ecco i documenti.
it|Non dimenticatevi di me per il corso di aprile!
en|Please stop the delivery of pallet 4.
en|Can you remove the second line from the quote?
en|Don't stop, these are great.
en|Please don't email me before Monday, I'm on a hike.
en|Not now, try me in the spring.
en|No thanks, we have a supplier.
en|Take me off speaker next time, ha. Call at 3?
en|Please cancel the meeting on Friday, Thursday works better.
en|We're going to end the trial and upgrade.
en|Remove the watermark and send me the final, please.
en|I couldn't stop reading. Send me part two!
en|I'll stop by your office on Tuesday.
en|The bus doesn't stop there, so I'll be ten minutes late.
en|Your mail went to my spam folder, sorry for the late answer.
en|Did you block the 14th for us?
en|I forgot my password, could you reset it?
en|Please delete the duplicate order.
en|I want out of the old contract and into yours.
en|Article 21 of the lease says otherwise, shall we talk?
en|Don't hesitate to contact me again.
en|Please don't forget to contact me about the June dates.
en|I'd rather not meet on Monday, Tuesday is fine.
en|No more questions from my side, let's sign.
en|Please don't send me the file by fax, a link is fine.
en|You don't have to write again, I got it. See you on the 3rd!
en|Never got your last email, could you send it again?
en|I don't want to miss it, please keep me posted.
en|My colleague Tom handles this, please write to him.
en|Could you unsubscribe my colleague Bob from the training calendar invite?
en|We object to clause 4 of the draft.
en|Stop me if I'm wrong, but is the price per month?
en|I had to cancel my subscription with your rival, so I'm all ears.
en|Please report back on Friday.
de|Bitte stoppen Sie die Lieferung von Palette 4.
de|Im Moment nicht, melden Sie sich im Herbst.
de|Nein danke, wir haben schon einen Anbieter.
de|Bitte rufen Sie mich nicht vor 10 Uhr an.
de|Ich kann nicht aufhören zu lesen, schicken Sie mehr!
de|Bitte löschen Sie die zweite Position aus dem Angebot.
de|Dafür ist Frau Klein zuständig.
de|Nehmen Sie bitte Herrn Maier auch in den Verteiler auf.
de|Es reicht, wenn Sie mir den Link schicken.
de|Ich habe Ihre Mail im Spam-Ordner gefunden, entschuldigen Sie.
de|Vergessen Sie mich nicht beim nächsten Kurs!
de|Ich möchte mich nicht abmelden, im Gegenteil.
de|Ich widerspreche Ihnen nicht, klingt gut.
de|Keine weiteren Fragen, wir können unterschreiben.
de|Bitte schicken Sie mir keine PDF, lieber einen Link.
fr|Arrêtez la livraison de la palette 4, s'il vous plaît.
fr|Pas pour le moment, recontactez-moi à la rentrée.
fr|Non merci, nous avons déjà un prestataire.
fr|Ne m'appelez pas avant 10 heures.
fr|Je n'arrête pas d'y penser, envoyez-moi la suite.
fr|Pouvez-vous supprimer la deuxième ligne du devis ?
fr|Je ne m'occupe plus de cela, voyez avec Julie.
fr|J'ai retrouvé votre message dans les spams, désolée.
fr|N'oubliez pas de me rappeler jeudi.
fr|Retirez l'option transport et je signe.
fr|Il suffit de m'envoyer le lien.
fr|Plus aucun doute de mon côté, on signe.
fr|Je ne souhaite pas recevoir la version papier, le PDF suffit.
fr|L'article 21 du bail dit le contraire.
fr|Ne vous inquiétez pas, je vous réponds demain.
es|Paren la entrega del palé 4, por favor.
es|Ahora no, escríbame en otoño.
es|No gracias, ya tenemos proveedor.
es|No me llame antes de las 10.
es|No puedo dejar de leerlo, mándeme más.
es|Quite la segunda línea del presupuesto, por favor.
es|No llevo este tema, escriba a Marta.
es|Encontré su correo en spam, perdone.
es|No se olvide de mí para el curso de abril.
es|Basta con que me mande el enlace.
es|No deje de escribirme si tiene novedades.
es|No me envíe el PDF, mejor un enlace.
es|No hay más dudas, firmamos.
es|Cancele la reunión del viernes, mejor el jueves.
es|El artículo 21 del contrato dice otra cosa.
it|Buongiorno, potete eliminare la riga 3 dall'elenco dei materiali? Poi confermo.
it|Cancelli pure la prenotazione del 12, veniamo il 19.
it|La prego di non inviare la merce prima del 10, il magazzino è chiuso.
it|Non ho mai ricevuto il vostro preventivo, può rimandarlo?
it|Togliete il mio nome dal programma, parlerà la collega Neri.
it|Vorrei disdire l'abbonamento Base e passare al Pro.
it|Basta un cenno e vi mando i documenti.
it|Scusi il ritardo, la sua mail era finita nello spam. Sì, parliamone!
it|Il consenso al trattamento dei dati lo firmo in sede, va bene?
it|Mi cancello dal corso di martedì ma vengo giovedì.
it|Non serve insistere con l'acconto, ho già pagato ieri.
it|L'indirizzo di consegna è cambiato, eliminate quello vecchio.
it|Sono fuori ufficio fino al 20, per urgenze scrivere a Marta.
it|Come si fa a togliere un articolo dal carrello?
it|Ho bloccato la data, ci vediamo il 4.
it|Il nostro garante privacy deve vedere la bozza, la mando lui.
it|Non voglio altre modifiche, va bene così com'è.
it|No, la riunione non mi serve. Grazie lo stesso.
it|Smetto di lavorare alle 17, mi chiami prima.
it|Non contattate il fornitore finché non vi do conferma.
en|Remove my name from the speaker list, Kate is presenting instead.
en|Could you take the chairs off the list and add two tables?
en|Please delete the old price list from the shared folder.
en|We've decided not to go ahead. Thanks for your time.
en|Stop by anytime, door's open.
en|I'd rather not sign before legal has had a look.
en|Can you stop the direct debit for March and restart in April?
en|I'm not on the list yet, could you add me?
en|I don't want to be a bother, but when does it ship?
en|If I get another discount I'll order two.
en|Please make sure I don't miss the deadline.
en|We can't take any more on this quarter, ask me again in June.
en|I'm out until Monday with no access to mail.
en|Do not contact the supplier until I've confirmed the numbers.
en|Forget my last email, the totals were wrong. New file attached.
en|I deleted your email by mistake, could you resend it?
en|Never got an answer to my last message, any news?
en|No more changes from us, please print.
en|Please remove the unsubscribe link from the draft, legal wants different words.
en|Off to the airport, I'll get back to you tomorrow.
en|Don't send me the invoice, send it to accounting@acme.example.
en|Could you stop sending the parcels to the old warehouse?
en|Does the gdpr article 17 cover your product too?
en|Who do I ask to be removed from the night shift?
en|Not interested in the add-on, but yes to the base plan.
en|We've had enough of the old tool, so tell me more.
en|Let's end the pilot in May.
en|The alarm needs to stop before the concert starts.
de|Können Sie Position 3 aus der Liste streichen? Danke.
de|Bitte schicken Sie mir keine Rechnung per Post, PDF reicht.
de|Ich habe leider keine Mail von Ihnen bekommen.
de|Bitte stornieren Sie den Termin am Freitag.
de|Die Datenschutzbehörde hat uns geprüft, alles gut. Wann starten wir?
de|Ich melde mich ab Montag wieder bei Ihnen.
de|Bitte löschen Sie den alten Entwurf.
de|Nicht mehr in diesem Jahr, gern im Januar.
de|Wir brauchen keine weiteren Muster, bitte die Auftragsbestätigung senden.
de|Bin bis 12. im Urlaub und lese keine Mails.
fr|Merci d'arrêter le chantier jusqu'à lundi.
fr|Pouvez-vous enlever mon nom de l'affiche ?
fr|Je ne suis plus disponible jeudi, vendredi ?
fr|Il n'y a plus de place sur le fichier, renvoyez-le.
fr|Je n'ai pas reçu vos mails, pouvez-vous les renvoyer ?
fr|Nous cessons notre activité en mars, mais ma sœur serait intéressée.
fr|Supprimez la ligne transport de votre devis et je signe.
fr|Je suis absent jusqu'au 12, sans accès à mes mails.
fr|Arrêtez-moi si je me trompe, le prix est par mois ?
fr|Plus de mails de votre part depuis lundi, tout va bien ?
es|Quiten el segundo producto de la lista del pedido, gracias.
es|Cancelen la entrega del martes, por favor.
es|No he recibido sus correos, ¿me los reenvía?
es|Estoy de vacaciones hasta el 20.
es|Doy de baja el contrato viejo y firmo el nuevo.
es|Deje el paquete en recepción, por favor.
es|No me interesa la opción B, pero sí la A.
es|Ya no más cambios, pueden imprimir.
es|Bloqueado el día 14 para la reunión.
es|Nunca recibí la factura, ¿la pueden mandar otra vez?
de|Unser Anwalt prüft rechtliche Schritte gegen den Lieferanten, deshalb dauert es.
de|Wir haben eine Abmahnung von einem Wettbewerber bekommen, können Sie helfen?
de|Ohne Zustimmung des Betriebsrats können wir nicht unterschreiben.
de|Bitte die alten Daten löschen und die neue Liste einspielen.
de|Wir bekommen viel unerwünschte Werbung, filtert Ihr Produkt das?
de|Den Versand bitte einstellen, bis die Adresse geklärt ist.
de|Das reicht.
de|Art. 17 DSGVO: wie löschen Sie die Daten unserer Kunden?
de|Haben Sie ein Konzept zum Recht auf Löschung? Unser Datenschutzbeauftragter möchte sich bei Ihnen melden.
de|Wie können sich unsere Nutzer vom Newsletter abmelden?
en|How does your product handle article 17 GDPR requests?
en|Do you support GDPR art. 17 deletion?
en|We want off the old plan and onto the new one.
en|Make it stop raining and I'll come, ha. See you Thursday.
en|Take the hint from last year's numbers: double the order.
en|We've moved! Unit 7, Tannery Lane. The old address should be deleted.
it|Come gestite il diritto alla cancellazione dei nostri clienti?
it|Come gestite l'articolo 17 del GDPR nel vostro software?
it|Senza il mio consenso non si firma: aspetto la bozza.
it|Sospendete ogni invio al magazzino di Bari fino a lunedì.
it|nn scrivermi oggi che sono in riunione, domani ok
it|Non contattarmi prima delle dieci.
it|Finiamola qui con la trattativa: accetto il prezzo.
it|Chiudiamola qui: ok per 1200 euro.
it|Non mandate più il colore avorio, il cliente vuole solo bianco.
fr|Comment gérez-vous l'article 17 du RGPD ?
fr|Notre client exerce son droit d'opposition, que faire dans votre outil ?
fr|N'insistez pas sur le prix, il me convient.
es|¿Cómo gestionan el artículo 17 del RGPD?
"""


def _cases(table: str) -> list[tuple[str, str]]:
    return [(code, text) for code, _, text in (line.partition("|") for line in table.strip().splitlines())]


def stops(reader: Reader, text: str) -> bool:
    """Whether a reply is taken for a stop, as events and mail are judged."""
    said = besides_sales(newest_text(text))
    return reader.read(Content(text=said, is_reply=True)).stop_request.value or asks_to_stop(text)


@pytest.mark.parametrize(("language", "text"), _cases(STOPS))
def test_a_stop_is_heard(reader: Reader, language: str, text: str) -> None:
    assert stops(reader, text)


@pytest.mark.parametrize(("language", "text"), _cases(OTHERS))
def test_what_only_sounds_like_a_stop_is_none(reader: Reader, language: str, text: str) -> None:
    assert not stops(reader, text)
